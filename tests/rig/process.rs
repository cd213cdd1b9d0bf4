//! The program under test as a process: started, killed, started again on the same port
//! with the same data.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use souk::pb::souk::ops::v1::CheckReadinessRequest;
use souk::pb::souk::ops::v1::ops_service_client::OpsServiceClient;
use tempfile::TempDir;

use super::client::DEV_CODE;
use super::database::{Database, Kind};
use super::dice::setting;

/// How long a start may take before the run is given up.
const START: Duration = Duration::from_secs(30);

/// How a process ended.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// How long it took.
    pub time: Duration,
}

/// How long a stop may take: what supervisors commonly wait.
pub const END: Duration = Duration::from_secs(30);

/// One installation: its data, its port, and the process while it runs.
pub struct Souk {
    pub database: Arc<Database>,
    dir: Arc<TempDir>,
    port: u16,
    settings: Vec<(String, String)>,
    child: Option<Child>,
}

impl Souk {
    /// An installation with an empty database of the chosen kind. Nothing runs yet.
    pub async fn install(label: &str) -> Self {
        Self::install_on(Kind::chosen(), label).await
    }

    pub async fn install_on(kind: Kind, label: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("souk-").tempdir().unwrap();
        let database = Database::create(kind, &dir, label).await;
        Self::over(dir, database)
    }

    /// An installation with its data in a folder and a database.
    pub fn over(dir: TempDir, database: Database) -> Self {
        let souk = Self {
            database: Arc::new(database),
            port: free_port(),
            dir: Arc::new(dir),
            settings: Vec::new(),
            child: None,
        };
        if setting("SOUK_TEST_REDIS", "off".to_owned()) != "on" {
            return souk;
        }
        let url: String = setting("TEST_REDIS_URL", String::new());
        assert!(!url.is_empty(), "TEST_REDIS_URL names the Redis to test on");
        souk.on_redis(url)
    }

    /// The same installation with settings of its own.
    pub fn with(mut self, settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.settings.extend(settings.iter().map(owned));
        self
    }

    /// The same installation on a Redis, under names of its own there.
    pub fn on_redis(self, url: String) -> Self {
        let folder = self.dir.path().file_name().unwrap().to_string_lossy();
        let prefix = folder.replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
        self.with(&[("REDIS_URL", &url), ("REDIS_PREFIX", &format!("{prefix}:"))])
    }

    /// Another process over the same database, with the same secrets. Not started yet.
    pub fn twin(&self) -> Self {
        Self {
            database: self.database.clone(),
            dir: self.dir.clone(),
            port: free_port(),
            settings: self.settings.clone(),
            child: None,
        }
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("souk runs").id()
    }

    /// Starts the server and waits until it says that it is ready. Gives the time that
    /// it took.
    pub async fn start(&mut self) -> Duration {
        let began = Instant::now();
        self.spawn("serve");
        let ready = tokio::time::timeout(START, self.ready()).await;
        assert!(
            ready.is_ok(),
            "not ready after {START:?}\n{}",
            self.log_tail()
        );
        began.elapsed()
    }

    /// Starts `souk worker`, which has no port to be ready on.
    pub fn start_worker(&mut self) {
        self.spawn("worker");
    }

    fn spawn(&mut self, word: &str) {
        assert!(self.child.is_none(), "souk runs already");
        let log = self.log();
        let child = self
            .command(word)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        self.child = Some(child);
    }

    /// SIGTERM, and waits for a clean end, `limit` at the longest. Gives the time it took.
    pub async fn end(&mut self, limit: Duration) -> Duration {
        let stopped = self.stop(limit).await;
        assert_eq!(stopped.code, Some(0), "souk ends well");
        stopped.time
    }

    async fn ready(&mut self) {
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        loop {
            pace.tick().await;
            let exit = self.child.as_mut().and_then(|it| it.try_wait().unwrap());
            if let Some(status) = exit {
                panic!("souk ended with {status}\n{}", self.log_tail());
            }
            let Ok(mut ops) = OpsServiceClient::connect(self.url()).await else {
                continue;
            };
            if ops.check_readiness(CheckReadinessRequest {}).await.is_ok() {
                return;
            }
        }
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends the process a signal by its name (STOP, CONT, TERM).
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(sent.unwrap().success(), "kill -{name} {pid}");
    }

    /// SIGTERM, as supervisors send it. Waits for the end, `limit` at the longest.
    pub async fn stop(&mut self, limit: Duration) -> Stopped {
        let began = Instant::now();
        self.signal("TERM");
        let mut child = self.child.take().expect("souk runs");
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        loop {
            pace.tick().await;
            if let Some(status) = child.try_wait().unwrap() {
                return Stopped {
                    code: status.code(),
                    time: began.elapsed(),
                };
            }
            if began.elapsed() > limit {
                self.child = Some(child);
                panic!("souk did not end within {limit:?}\n{}", self.log_tail());
            }
        }
    }

    /// Whether the process that was started still runs.
    pub fn is_running(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// An access token of an administrator, by `souk token`.
    pub fn admin_token(&self) -> String {
        let output = self.command("token").output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "souk token: {}", output.status);
        told.lines().last().expect("a token").to_owned()
    }

    /// Its own folder.
    pub fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Runs `souk check` and demands that it finds nothing.
    pub fn check(&self) {
        let output = self.command("check").output().unwrap();
        assert!(
            output.status.success(),
            "souk check: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
    }

    /// Ends the run: the process, then its database.
    pub async fn remove(mut self) {
        self.kill();
        Database::drop(&self.database).await;
    }

    /// Its own folder as the working directory, and nothing of our environment, so that
    /// the run does not depend on where it is started.
    fn command(&self, word: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
        command
            .arg(word)
            .current_dir(self.dir.path())
            .env_clear()
            .env("SOUK_ENV", "development")
            .env("PORT", self.port.to_string())
            .env("DATABASE_URL", self.database.url())
            .env("OTP_DEV_CODE", DEV_CODE)
            .env("RATE_LIMITS", "off")
            .env("LOG_LEVEL", "warn")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    fn log(&self) -> File {
        let path = self.dir.path().join("log");
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
    }

    /// What every process of the installation wrote.
    pub fn log_text(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn log_tail(&self) -> String {
        let text = self.log_text();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Souk {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            println!("the end of souk's log:\n{}", self.log_tail());
        }
    }
}

/// A free port below the range that the system gives to outgoing connections, so that
/// nobody takes it while the server is down. Every call gives another one, since the
/// server that is to have it may not have it yet.
pub fn free_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    loop {
        let call = CALLS.fetch_add(1, Ordering::SeqCst);
        let port = 20_000 + (std::process::id() * 64 + call) % 12_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
