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
mod comments;
mod convert;
mod entity;
mod grpc;
mod life;
mod list;
mod matcher;
mod moderation;
mod reel;
mod sight;
mod state;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Freshness};
use crate::db::{Db, Observer};
use crate::events::Events;
use crate::kernel::id::ReelId;
use crate::kernel::seal::Sealer;
use crate::services::catalog::Catalog;
use crate::services::media::Media;
use crate::services::stores::Stores;

pub use comments::ForgetComments;
pub use entity::comment::Model as Comment;
pub use entity::reel::Model as Reel;
pub use entity::report::Model as Report;
pub use entity::word::Model as Word;
pub use life::ReelsOfVideos;
use matcher::BlockedWords;
pub use store::stats::Stats;

/// How long the blocked words are believed when no event comes.
const CACHED: Freshness = Freshness::lasting(Duration::from_secs(60));

/// The service of reels. Clones share it.
#[derive(Clone)]
pub struct Reels(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    #[expect(dead_code, reason = "read by the stream of a reel")]
    events: Events,
    stores: Stores,
    catalog: Catalog,
    media: Media,
    words: Cache<(), Arc<BlockedWords>>,
}

impl Reels {
    /// The service; `sealer` makes its page tokens.
    pub fn new(
        db: Db,
        sealer: Sealer,
        events: Events,
        stores: Stores,
        catalog: Catalog,
        media: Media,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            events,
            stores,
            catalog,
            media,
            words: Cache::tiered("blocked_words", 1, CACHED, None),
        }))
    }

    /// Sees the events, so that a word is blocked as soon as that was answered, and soon
    /// in every other process.
    pub fn observer(&self) -> Observer {
        // Weak: the database keeps its observers, and must not keep itself through them.
        let reels = Arc::downgrade(&self.0);
        Box::new(move |event| {
            if let Some(reels) = reels.upgrade().map(Reels)
                && event.topic.starts_with(words::TOPIC)
            {
                reels.0.words.invalidate(&());
            }
        })
    }
}

/// The topic of what changes a reel and its comments.
pub fn topic(reel: ReelId) -> String {
    format!("reel/{}", reel.uuid())
}
