//! Those who like the reel and take it back, in turns.

use std::time::{Duration, Instant};

use souk::pb::souk::reels::v1::{LikeReelRequest, UnlikeReelRequest};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::rig::Caller;

/// A thousand people and their reel.
pub struct Fans {
    people: Vec<Caller>,
    reel: String,
}

/// How long somebody waits who was told that the server is busy.
const AGAIN: Duration = Duration::from_millis(200);

/// When a change was asked for and answered.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub asked: Instant,
    pub answered: Instant,
    /// How often the server was busy before.
    pub refused: usize,
}

impl Fans {
    pub const fn new(people: Vec<Caller>, reel: String) -> Self {
        Self { people, reel }
    }

    /// Changes `rate` times a second whether somebody likes it; in the order of answers.
    pub async fn toggle(&self, rate: f64, time: Duration) -> Vec<Change> {
        let began = Instant::now();
        let mut pace = tokio::time::interval(Duration::from_millis(2));
        let mut calls = JoinSet::new();
        let mut asked = 0;
        while began.elapsed() < time {
            pace.tick().await;
            let due = (began.elapsed().as_secs_f64() * rate) as usize;
            for nth in asked..due {
                let likes = (nth / self.people.len()).is_multiple_of(2);
                let person = self.people[nth % self.people.len()].clone();
                calls.spawn(change(person, self.reel.clone(), likes));
            }
            asked = due.max(asked);
        }
        let mut changes = calls.join_all().await;
        changes.sort_unstable_by_key(|change| change.answered);
        changes
    }
}

/// Asks again while the server is busy: those who like are starved by all others here, and
/// what they missed they then ask for at once.
async fn change(person: Caller, id: String, likes: bool) -> Change {
    let asked = Instant::now();
    let mut refused = 0;
    loop {
        match ask(&person, id.clone(), likes).await {
            Ok(()) => break,
            Err(busy) if busy.code() == Code::ResourceExhausted => refused += 1,
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(AGAIN).await;
    }
    Change {
        asked,
        answered: Instant::now(),
        refused,
    }
}

async fn ask(person: &Caller, id: String, likes: bool) -> Result<(), Status> {
    if likes {
        let request = person.ask(LikeReelRequest { id });
        person.reels().like_reel(request).await.map(drop)
    } else {
        let request = person.ask(UnlikeReelRequest { id });
        person.reels().unlike_reel(request).await.map(drop)
    }
}

/// How soon they were answered, in words.
pub fn answers(changes: &[Change]) -> String {
    let times = changes.iter().map(|it| it.answered - it.asked);
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let refused: usize = changes.iter().map(|it| it.refused).sum();
    format!("p50 {:?}, p99 {:?}, {refused} times busy", at(50), at(99))
}
