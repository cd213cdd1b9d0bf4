//! The worker processes.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::rig::{Souk, pause};

/// How long a worker may take to end when asked.
const END: Duration = Duration::from_secs(30);
/// By how many microseconds the clocks of the workers' machines are wrong.
const WRONG_BY: [i64; 3] = [0, 300_000_000, -300_000_000];

/// The worker processes of one run.
pub struct Team {
    members: Vec<Member>,
}

struct Member {
    name: String,
    wrong_by: i64,
    database: String,
    sink: String,
    log: PathBuf,
    child: Child,
}

impl Team {
    /// Three workers, one on SQLite: such a file serves one process.
    pub async fn start(souk: &Souk, sink: &str) -> Self {
        let size = if souk.database.is_postgres() { 3 } else { 1 };
        let members = (0..size).map(|index| {
            let log = souk.folder().join(format!("worker-{index}.log"));
            let (database, name) = (souk.database.url(), format!("w{index}"));
            Member {
                child: spawn(&name, WRONG_BY[index], &database, sink, &log),
                wrong_by: WRONG_BY[index],
                sink: sink.to_owned(),
                name,
                database,
                log,
            }
        });
        Self {
            members: members.collect(),
        }
    }

    pub fn size(&self) -> usize {
        self.members.len()
    }

    pub fn name(&self, index: usize) -> &str {
        &self.members[index].name
    }

    /// SIGKILL, and another process in its place at once.
    pub fn kill(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.child.kill().unwrap();
        member.child.wait().unwrap();
        member.again();
    }

    /// SIGSTOP for a while, then SIGCONT.
    pub async fn freeze(&mut self, index: usize, time: Duration) {
        self.members[index].signal("STOP");
        pause(time).await;
        self.members[index].signal("CONT");
    }

    /// SIGTERM, and another process in its place once it has ended.
    pub async fn end(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.signal("TERM");
        member.ended().await;
        member.again();
    }

    /// SIGTERM to all. Says how long the last one took to end.
    pub async fn dismiss(&mut self) -> Duration {
        let asked = Instant::now();
        for member in &self.members {
            member.signal("TERM");
        }
        for member in &mut self.members {
            member.ended().await;
        }
        asked.elapsed()
    }

    pub fn assert_alive(&mut self) {
        for member in &mut self.members {
            let exit = member.child.try_wait().unwrap();
            assert!(exit.is_none(), "{} ended: {exit:?}", member.name);
        }
    }
}

impl Member {
    fn again(&mut self) {
        self.child = spawn(
            &self.name,
            self.wrong_by,
            &self.database,
            &self.sink,
            &self.log,
        );
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success(), "kill -s {signal} {pid}");
    }

    /// Waits for a clean end.
    async fn ended(&mut self) {
        let asked = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(asked.elapsed() < END, "{} does not end", self.name);
            pause(Duration::from_millis(5)).await;
        };
        assert!(status.success(), "{} ended with {status}", self.name);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
        if std::thread::panicking() {
            let text = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(30)..].join("\n");
            println!("the end of the log of {}:\n{tail}", self.name);
        }
    }
}

fn spawn(name: &str, wrong_by: i64, database: &str, sink: &str, log: &PathBuf) -> Child {
    let log: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .unwrap();
    Command::new(std::env::current_exe().unwrap())
        .env_clear()
        .env("OUTBOX_ROLE", "worker")
        .env("OUTBOX_NAME", name)
        .env("OUTBOX_WRONG_BY", wrong_by.to_string())
        .env("OUTBOX_DATABASE", database)
        .env("OUTBOX_SINK", sink)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}
