//! Those who like a reel, and ask again until they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use souk::pb::souk::reels::v1::{
    GetReelRequest, LikeReelRequest, ListLikesRequest, RecordViewRequest, UnlikeReelRequest,
};
use tonic::Status;

use crate::rig::{Caller, Verdict, judge, pause};

/// Calls at once.
const AT_ONCE: usize = 128;

/// A thousand people and their reel. Clones are the same people.
#[derive(Clone)]
pub struct Fans {
    people: Arc<Vec<Caller>>,
    reel: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    answered: AtomicUsize,
    repeated: AtomicUsize,
}

impl Fans {
    pub fn new(people: Vec<Caller>, reel: String) -> Self {
        Self {
            people: Arc::new(people),
            reel,
            counts: Arc::default(),
        }
    }

    /// The same people before another reel.
    pub fn of(&self, reel: String) -> Self {
        Self {
            people: self.people.clone(),
            reel,
            counts: Arc::default(),
        }
    }

    /// Calls that were answered.
    pub fn answered(&self) -> usize {
        self.counts.answered.load(Ordering::SeqCst)
    }

    /// Calls that had to be asked again.
    pub fn repeated(&self) -> usize {
        self.counts.repeated.load(Ordering::SeqCst)
    }

    /// Everybody likes it so many times, all at once.
    pub async fn like(&self, times: usize) {
        let count = self.people.len() * times;
        let likes = (0..count).map(|nth| {
            let person = &self.people[nth % self.people.len()];
            self.insist(async || {
                let request = person.ask(LikeReelRequest {
                    id: self.reel.clone(),
                });
                let answer = person.reels().like_reel(request).await?.into_inner();
                assert!(answer.is_liked && answer.likes_count > 0, "{answer:?}");
                Ok(())
            })
        });
        stream::iter(likes)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Every second person takes the like back, twice.
    pub async fn unlike_half(&self) {
        let half = self.people.iter().step_by(2);
        let unlikes = half.clone().chain(half).map(|person| {
            self.insist(async || {
                let request = person.ask(UnlikeReelRequest {
                    id: self.reel.clone(),
                });
                let answer = person.reels().unlike_reel(request).await?.into_inner();
                assert!(!answer.is_liked, "{answer:?}");
                Ok(())
            })
        });
        stream::iter(unlikes)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Everybody views it twice, which counts once.
    pub async fn view(&self) {
        let twice = self.people.iter().chain(self.people.iter());
        let views = twice.map(|person| {
            self.insist(async || {
                let request = person.ask(RecordViewRequest {
                    id: self.reel.clone(),
                });
                person.reels().record_view(request).await.map(drop)
            })
        });
        stream::iter(views)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Asks until there is an answer; a refusal is none that may come.
    async fn insist(&self, ask: impl AsyncFn() -> Result<(), Status>) {
        while let Err(status) = ask().await {
            let verdict = judge(&status);
            assert!(!matches!(verdict, Verdict::Refused(_)), "{status:?}");
            self.counts.repeated.fetch_add(1, Ordering::SeqCst);
            pause(Duration::from_millis(20)).await;
        }
        self.counts.answered.fetch_add(1, Ordering::SeqCst);
    }
}

/// What is known of a reel.
#[derive(Debug)]
pub struct Truth {
    /// What it tells.
    pub likes: usize,
    pub views: usize,
    /// Who likes it, counted one by one by the database.
    pub rows: usize,
}

impl Truth {
    pub async fn read(guest: &Caller, owner: &Caller, reel: &str) -> Self {
        let request = GetReelRequest {
            id: reel.to_owned(),
        };
        let read = guest.reels().get_reel(request).await.unwrap();
        let stats = read.into_inner().reel.unwrap().stats.unwrap();
        let request = owner.ask(ListLikesRequest {
            id: reel.to_owned(),
            limit: 1,
            page: 1,
            ..ListLikesRequest::default()
        });
        let listed = owner.reels().list_likes(request).await.unwrap();
        let meta = listed.into_inner().meta.unwrap();
        Self {
            likes: stats.likes_count as usize,
            views: stats.views_count as usize,
            rows: meta.total.unwrap() as usize,
        }
    }
}
