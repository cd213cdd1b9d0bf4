//! Reels: short videos of products, who likes and comments them, and how often they are
//! viewed.
//!
//! Holds:
//! - whoever may not see a product may not see its reels;
//! - a reel is shown once its video is measured, and not while moderators hide it;
//! - rows are the truth for likes and comments: a count is their number at any time, and
//!   no change waits for a row that another one holds;
//! - a viewer counts once an hour;
//! - versions of reels and comments count their changes without a gap, and each change has
//!   an event on the topic `reel/<uuid>`.

mod access;
mod attribution;
mod comments;
mod convert;
mod entity;
mod grpc;
mod jobs;
mod life;
mod likes;
mod list;
mod live;
mod matcher;
mod moderation;
mod reel;
mod state;
mod stats;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod views;
mod watch;
mod words;

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Freshness};
use crate::db::{Db, Observer};
use crate::events::Events;
use crate::kernel::id::ReelId;
use crate::kernel::seal::Sealer;
use crate::kernel::task::Tasks;
use crate::services::catalog::Catalog;
use crate::services::media::Media;
use crate::services::stores::Stores;

pub use attribution::{Led, check_led};
pub use comments::ForgetComments;
pub use entity::comment::Model as Comment;
pub use entity::reel::Model as Reel;
pub use entity::report::Model as Report;
pub use entity::word::Model as Word;
pub use jobs::register;
pub use life::{DeleteReels, ReelsOfFiles};
pub use likes::TakeLikesBack;
pub use stats::{Received, received, views_of};

use access::Seen;
use likes::Likes;
use live::Watched;
use matcher::BlockedWords;
use stats::FoldMeter;
use views::Views;

/// How long a cached reel, and the blocked words, are believed when no event comes.
const CACHED: Freshness = Freshness::lasting(Duration::from_secs(60));
/// Cached reels at the most.
const CACHED_MAX: u64 = 50_000;
/// Topics of reels begin so.
const TOPIC: &str = "reel/";

/// The service of reels. Clones share it.
#[derive(Clone)]
pub struct Reels(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    events: Events,
    stores: Stores,
    catalog: Catalog,
    media: Media,
    seen: Cache<ReelId, Arc<Seen>>,
    likes: Arc<Likes>,
    views: Arc<Views>,
    watched: Watched,
    fold_meter: FoldMeter,
    words: Cache<(), Arc<BlockedWords>>,
}

impl Reels {
    /// The service; `sealer` makes its page tokens, and tasks of `tasks` count.
    pub fn new(
        db: Db,
        sealer: Sealer,
        events: Events,
        stores: Stores,
        catalog: Catalog,
        media: Media,
        tasks: &Tasks,
    ) -> Self {
        let watched = Watched::new(db.clone());
        let (likes, waiting) = Likes::new(db.clone(), watched.clone());
        let (likes, views) = (
            Arc::new(likes),
            Arc::new(Views::new(db.clone(), watched.clone())),
        );
        tasks.spawn(likes.clone().fulfil(waiting, tasks.stopping()));
        tasks.spawn(views.clone().keep_writing(tasks.stopping()));
        tasks.spawn(watched.clone().follow(tasks.stopping()));
        tasks.spawn(watched.clone().tell(tasks.stopping()));
        let reels = Self(Arc::new(Parts {
            db,
            sealer,
            events,
            stores,
            catalog,
            media,
            seen: Cache::tiered("reels", CACHED_MAX, CACHED, None),
            likes,
            views,
            watched,
            fold_meter: FoldMeter::default(),
            words: Cache::tiered("blocked_words", 1, CACHED, None),
        }));
        tasks.spawn(reels.clone().keep_counts(tasks.stopping()));
        reels
    }

    /// Sees the events, so that a caller reads what it wrote, every other process soon, and
    /// watchers are told.
    pub fn observer(&self) -> Observer {
        // Weak: the database keeps its observers, and must not keep itself through them.
        let reels = Arc::downgrade(&self.0);
        Box::new(move |event| {
            let Some(reels) = reels.upgrade() else {
                return;
            };
            if event.topic.starts_with(words::TOPIC) {
                reels.words.invalidate(&());
            }
            let uuid = event.topic.strip_prefix(TOPIC);
            if let Some(id) = uuid.and_then(|uuid| uuid.parse::<uuid::Uuid>().ok()) {
                let id = ReelId::from(id);
                reels.seen.invalidate(&id);
                reels.watched.changed(&[id]);
            }
        })
    }
}

/// The topic of what changes a reel and its comments.
pub fn topic(reel: ReelId) -> String {
    format!("{TOPIC}{}", reel.uuid())
}
