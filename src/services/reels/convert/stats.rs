//! How reels are received, and by whom, on the wire.

use crate::kernel::id::{ReelId, UserId};
use crate::pb::souk::reels::v1 as pb;
use crate::services::reels::store::stats::Stats;
use crate::services::users::User;

/// Counts are shown as JSON numbers; none comes near the bound.
pub(in super::super) fn count_to_pb(count: i64) -> i32 {
    i32::try_from(Ord::max(count, 0)).unwrap_or(i32::MAX)
}

/// How a reel is received.
pub(in super::super) fn stats_to_pb(stats: &Stats) -> pb::ReelStats {
    pb::ReelStats {
        likes_count: count_to_pb(stats.likes()),
        comments_count: count_to_pb(stats.comments()),
        views_count: count_to_pb(stats.views()),
    }
}

/// The answer to a like.
pub(in super::super) fn liked_to_pb(reel: ReelId, likes: i64) -> pb::LikeReelResponse {
    pb::LikeReelResponse {
        reel_id: reel.to_string(),
        is_liked: true,
        likes_count: count_to_pb(likes),
        message: "Reel liked successfully".to_owned(),
    }
}

/// The answer to a like that is taken back.
pub(in super::super) fn unliked_to_pb(reel: ReelId, likes: i64) -> pb::UnlikeReelResponse {
    pb::UnlikeReelResponse {
        reel_id: reel.to_string(),
        is_liked: false,
        likes_count: count_to_pb(likes),
        message: "Reel unliked successfully".to_owned(),
    }
}

/// What everyone may know of a user; of a closed account, that it was there.
pub(in super::super) fn person_to_pb(id: UserId, account: Option<&User>) -> pb::Person {
    let name = account.and_then(|account| account.name.clone());
    let avatar_url = account.and_then(|account| account.avatar_url.clone());
    pb::Person {
        id: id.to_string(),
        name: name.unwrap_or_default(),
        avatar_url: avatar_url.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_never_below_nothing() {
        for (counted, told) in [(-1, 0), (0, 0), (7, 7), (i64::MAX, i32::MAX)] {
            assert_eq!(count_to_pb(counted), told);
        }
    }
}
