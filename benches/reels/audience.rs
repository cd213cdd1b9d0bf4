//! Those who watch and those who like: a process of their own, which runs only when nobody
//! else wants to, and does as it is told line by line.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::TIME;
use crate::fans::{self, Change, Fans};
use crate::rig::crowd;
use crate::watchers::Watchers;

/// The first argument of that process.
pub const ROLE: &str = "audience";
/// Asks to open the streams.
pub const WATCH: &str = "watch";
/// Asks to like for [`TIME`], and to say what the watchers saw of it.
pub const LIKE: &str = "like";

const PEOPLE: usize = 1000;
/// Likes and likes taken back in a second.
const LIKES: f64 = 1000.0;
/// The last likes need a moment to arrive.
const REST: Duration = Duration::from_secs(2);

/// That process, as its parent sees it; it ends with this.
pub struct Audience {
    process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Audience {
    /// Everybody is there, signed in, and does nothing.
    pub fn gather(url: &str, reel: &str, streams: usize) -> Self {
        // Whoever else wants a core has it at once, as if this ran elsewhere; a low priority
        // alone still lets orders wait for a slice at each of their steps.
        let mut process = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(std::env::current_exe().unwrap())
            .args([ROLE, url, reel, &streams.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut audience = Self {
            orders: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
        };
        audience.answer();
        audience
    }

    pub fn ask(&mut self, what: &str) {
        writeln!(self.orders, "{what}").unwrap();
    }

    /// What has come of it.
    pub fn answer(&mut self) -> String {
        let line = self.answers.next();
        line.expect("the audience stays to the end").unwrap()
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        assert!(ended.is_ok() || std::thread::panicking(), "{ended:?}");
    }
}

/// What that process does.
pub async fn attend(url: &str, reel: &str, streams: usize) {
    let fans = Fans::new(crowd(url, PEOPLE).await, reel.to_owned());
    println!("{PEOPLE} people");
    let mut watchers = None;
    for line in std::io::stdin().lines() {
        match line.unwrap().as_str() {
            WATCH => {
                watchers = Some(Watchers::open(url, reel, streams).await);
                println!("{streams} watchers");
            }
            LIKE => {
                let watchers = watchers.as_ref().expect("somebody watches");
                watchers.forget();
                let likes = fans.toggle(LIKES, TIME).await;
                tokio::time::sleep(REST).await;
                println!("{}", report(watchers, &likes, streams));
            }
            other => panic!("nobody knows how to {other}"),
        }
    }
}

fn report(watchers: &Watchers, likes: &[Change], streams: usize) -> String {
    let seen = watchers.compare(likes);
    let each_second = seen.messages as f64 / TIME.as_secs_f64();
    format!(
        "{:.0} likes/s, answered {}; {each_second:.0} messages/s, {:.1} a second for a watcher; \
         from like to update p50 {:?}, p99 {:?}; {} of {streams} watchers saw all",
        likes.len() as f64 / TIME.as_secs_f64(),
        fans::answers(likes),
        each_second / streams as f64,
        seen.delay.0,
        seen.delay.1,
        seen.complete,
    )
}
