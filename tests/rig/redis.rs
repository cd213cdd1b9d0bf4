//! A Redis of the test's own, which it may kill, freeze and empty.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// The longest that a start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens on a socket in a folder of its own, and keeps nothing when it
/// is killed.
pub struct RedisServer {
    dir: TempDir,
    /// The TCP port that it listens on beside the socket; 0: none.
    port: u16,
    child: Option<Child>,
}

impl RedisServer {
    /// A server that runs.
    pub async fn start() -> Self {
        Self::on_port(0).await
    }

    /// A server that runs, and listens on a port of this host too.
    pub async fn on_port(port: u16) -> Self {
        let mut server = Self {
            dir: tempfile::tempdir().unwrap(),
            port,
            child: None,
        };
        server.restart().await;
        server
    }

    /// What REDIS_URL says.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Starts it after it was killed.
    pub async fn restart(&mut self) {
        let programs = ["redis-server", "valkey-server"];
        let started = programs.iter().find_map(|program| {
            Command::new(program)
                .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
                .args(["--save", "", "--appendonly", "no"])
                .arg("--unixsocket")
                .arg(self.socket())
                .arg("--dir")
                .arg(self.dir.path())
                .stdout(Stdio::null())
                .spawn()
                .ok()
        });
        self.child = Some(started.expect("redis-server or valkey-server is in PATH"));
        let answers = async {
            let mut pace = tokio::time::interval(Duration::from_millis(5));
            while self.try_command(&["PING"]).await.is_none() {
                pace.tick().await;
            }
        };
        let answers = tokio::time::timeout(PATIENCE, answers).await;
        answers.expect("Redis starts");
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Holds it still: it takes connections and answers nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Sends a command and gives what comes back, a line for each value.
    pub async fn command(&self, words: &[&str]) -> String {
        self.try_command(words).await.expect("Redis answers")
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    async fn try_command(&self, words: &[&str]) -> Option<String> {
        let stream = UnixStream::connect(self.socket()).await.ok()?;
        let mut stream = BufReader::new(stream);
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(request.as_bytes()).await.ok()?;
        let (mut answer, mut values) = (Vec::new(), 1);
        while values > 0 {
            values -= 1;
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let (kind, rest) = line.trim_end().split_at_checked(1)?;
            match kind {
                "*" => values += rest.parse::<usize>().ok()?,
                "$" if rest == "-1" => answer.push(String::new()),
                "$" => {
                    let mut value = vec![0; rest.parse::<usize>().ok()? + 2];
                    stream.read_exact(&mut value).await.ok()?;
                    value.truncate(value.len() - 2);
                    answer.push(String::from_utf8_lossy(&value).into_owned());
                }
                _ => answer.push(rest.to_owned()),
            }
        }
        Some(answer.join("\n"))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let ended = child.kill().and_then(|()| child.wait());
            drop(ended);
        }
    }
}
