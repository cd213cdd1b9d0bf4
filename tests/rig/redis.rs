//! A Redis of the run's own, which may be killed and emptied.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::process::free_port;
use super::wait::until;

/// A Redis server that keeps nothing on disk.
pub struct Redis {
    dir: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Redis {
    /// Starts a server on a free port. The program is `redis-server`, as installed.
    pub async fn start() -> Self {
        let mut redis = Self {
            dir: tempfile::Builder::new().prefix("redis-").tempdir().unwrap(),
            port: free_port(),
            child: None,
        };
        redis.resume().await;
        redis
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// What REDIS_URL says.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Starts it again, empty, on the same port.
    pub async fn resume(&mut self) {
        assert!(self.child.is_none(), "Redis runs already");
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        until("Redis answers", || {
            self.say("PING").is_some_and(|it| it.starts_with("+PONG"))
        })
        .await;
    }

    /// SIGKILL: every connection breaks, and what it held is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Throws away everything that it holds, scripts among it.
    pub fn empty(&self) {
        assert_eq!(self.say("FLUSHALL").as_deref(), Some("+OK\r\n"));
        assert_eq!(self.say("SCRIPT FLUSH").as_deref(), Some("+OK\r\n"));
    }

    /// One command on a connection of its own; nothing when nobody answers.
    pub fn say(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address()).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut answer = [0; 1024];
        let len = stream.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer[..len]).into_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
