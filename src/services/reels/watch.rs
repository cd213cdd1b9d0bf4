//! The stream of how a reel is received.

use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::Reels;
use super::access::not_found;
use super::convert::comment_to_pb;
use super::convert::stats::{count_to_pb, stats_to_pb};
use super::live::Now;
use super::store::stats::Stats;
use crate::events::Newest;
use crate::grpc::convert::time_to_pb;
use crate::kernel::id::ReelId;
use crate::kernel::{Call, Reason, Result, Time};
use crate::pb::souk::reels::v1 as pb;
use crate::pb::souk::reels::v1::watch_reel_response::{Changes, Type};

impl Reels {
    /// How a reel is received now, then what has happened since, together where much does.
    ///
    /// # Errors
    /// At once: NOT_FOUND, REEL_NOT_READY, SESSION_REVOKED. As the last item: NOT_FOUND when
    /// the caller may not see it any more, or nobody but its store; SESSION_REVOKED.
    pub(super) async fn watch(
        &self,
        call: &Call,
        reel: ReelId,
    ) -> Result<impl Stream<Item = Result<pb::WatchReelResponse>> + Send + 'static> {
        self.open(call, reel).await?;
        let watcher = self.0.watched.join(reel).await?;
        let messages = self.0.events.latest(call, watcher).await?;
        let watching = Watching {
            reels: self.clone(),
            call: call.clone(),
            reel,
            messages,
            last: None,
        };
        Ok(stream::unfold(watching, |mut watching| async move {
            watching.next().await.map(|message| (message, watching))
        }))
    }
}

/// A running stream.
struct Watching {
    reels: Reels,
    call: Call,
    reel: ReelId,
    messages: BoxStream<'static, Result<Newest<Now>>>,
    /// What this watcher was told last.
    last: Option<Stats>,
}

impl Watching {
    async fn next(&mut self) -> Option<Result<pb::WatchReelResponse>> {
        loop {
            let message = match self.messages.next().await? {
                Ok(message) => message,
                Err(error) => return Some(Err(error)),
            };
            // Costs no statement: what hides a reel is told to the caches.
            if let Err(error) = self.reels.open(&self.call, self.reel).await {
                return Some(Err(match error.reason() {
                    Reason::ReelNotReady => not_found(),
                    _ => error,
                }));
            }
            let message = match message {
                Newest::Value(now) => told(self.reel, &now, self.last.replace(now.stats)),
                Newest::Heartbeat => {
                    let now = self.reels.0.db.clock().now();
                    Some(message_of(self.reel, Type::Heartbeat, now))
                }
            };
            if let Some(message) = message {
                return Some(Ok(message));
            }
        }
    }
}

fn message_of(reel: ReelId, r#type: Type, at: Time) -> pb::WatchReelResponse {
    pb::WatchReelResponse {
        reel_id: reel.to_string(),
        r#type: r#type.into(),
        timestamp: Some(time_to_pb(at)),
        ..pb::WatchReelResponse::default()
    }
}

/// What a watcher is told who was told `last` before; nothing when nothing has happened.
fn told(reel: ReelId, now: &Now, last: Option<Stats>) -> Option<pb::WatchReelResponse> {
    let Some(last) = last else {
        return Some(pb::WatchReelResponse {
            stats: Some(stats_to_pb(&now.stats)),
            ..message_of(reel, Type::Stats, now.at)
        });
    };
    let changes = changes(&last, &now.stats);
    let r#type = type_of(&changes)?;
    let comments = now.comments.iter().filter(|it| it.number > last.commented);
    Some(pb::WatchReelResponse {
        stats: Some(stats_to_pb(&now.stats)),
        changes: Some(changes),
        comments: comments.map(|it| comment_to_pb(&it.signed)).collect(),
        ..message_of(reel, r#type, now.at)
    })
}

fn changes(last: &Stats, now: &Stats) -> Changes {
    Changes {
        liked: count_to_pb(now.liked - last.liked),
        unliked: count_to_pb(now.unliked - last.unliked),
        commented: count_to_pb(now.commented - last.commented),
        comments_deleted: count_to_pb(now.uncommented - last.uncommented),
        viewed: count_to_pb(now.viewed - last.viewed),
    }
}

/// The one thing that happened, or that there were several; nothing for none.
fn type_of(changes: &Changes) -> Option<Type> {
    let happened = [
        (changes.liked, Type::Liked),
        (changes.unliked, Type::Unliked),
        (changes.commented, Type::Commented),
        (changes.comments_deleted, Type::CommentDeleted),
        (changes.viewed, Type::Viewed),
    ];
    let mut happened = happened.into_iter().filter(|(times, _)| *times > 0);
    let (_, first) = happened.next()?;
    Some(match happened.next() {
        None => first,
        Some(_) => Type::Several,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_is_told_what_happened_since_its_own_last_message() {
        let stats = Stats {
            liked: 10,
            unliked: 2,
            commented: 3,
            uncommented: 1,
            viewed: 100,
        };
        let cases = [
            (stats, None),
            (Stats { liked: 12, ..stats }, Some(Type::Liked)),
            (
                Stats {
                    unliked: 3,
                    ..stats
                },
                Some(Type::Unliked),
            ),
            (
                Stats {
                    commented: 4,
                    ..stats
                },
                Some(Type::Commented),
            ),
            (
                Stats {
                    uncommented: 3,
                    ..stats
                },
                Some(Type::CommentDeleted),
            ),
            (
                Stats {
                    viewed: 200,
                    ..stats
                },
                Some(Type::Viewed),
            ),
            (
                Stats {
                    liked: 11,
                    viewed: 101,
                    ..stats
                },
                Some(Type::Several),
            ),
        ];
        for (now, expected) in cases {
            let now = Now {
                stats: now,
                comments: Vec::new(),
                at: Time::from_micros(0),
            };
            let message = told(uuid::Uuid::nil().into(), &now, Some(stats));
            assert_eq!(message.map(|it| it.r#type()), expected);
        }
    }
}
