//! Listening to what other processes publish.

use std::time::Duration;

use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::Redis;
use crate::kernel::task::Tasks;

/// How often the line is tried, since nothing else is sent on it.
const TRIAL: Duration = Duration::from_secs(5);
/// How soon a failed subscription is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// What a listener hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A message.
    Message(&'a str),
    /// There may have been messages that did not arrive: the line was cut, or too many
    /// came at once.
    Gap,
}

impl Redis {
    /// Listens to a channel of this installation until the process stops. One listener a
    /// process.
    pub fn listen(
        &self,
        channel: &str,
        tasks: &Tasks,
        hear: impl Fn(Heard<'_>) + Send + Sync + 'static,
    ) {
        let (redis, channel) = (self.clone(), self.key(channel));
        let stopping = tasks.stopping();
        tasks.spawn(async move { redis.follow(channel, hear, &stopping).await });
    }

    async fn follow(
        &self,
        channel: String,
        hear: impl Fn(Heard<'_>) + Send + Sync,
        stopping: &CancellationToken,
    ) {
        let subscriber = &self.0.subscriber;
        let mut messages = subscriber.message_rx();
        let mut connections = subscriber.reconnect_rx();
        subscriber.connect();
        let mut is_subscribed = false;
        loop {
            // The client could subscribe anew by itself, but would not tell when it has:
            // what was published before then is lost.
            let wait = if is_subscribed { TRIAL } else { AGAIN };
            tokio::select! {
                () = stopping.cancelled() => return,
                made = connections.recv() => {
                    if matches!(made, Err(RecvError::Closed)) {
                        return;
                    }
                    is_subscribed = false;
                }
                message = messages.recv() => match message {
                    Ok(message) => {
                        if let Some(text) = message.value.as_str() {
                            hear(Heard::Message(&text));
                        }
                        continue;
                    }
                    Err(RecvError::Lagged(_)) => {
                        hear(Heard::Gap);
                        continue;
                    }
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(wait) => {}
            }
            if is_subscribed {
                // A line that is dead without a word is found by what it does not answer.
                drop(subscriber.ping::<()>(None).await);
            } else if subscriber.is_connected() {
                is_subscribed = subscriber.subscribe(channel.as_str()).await.is_ok();
                if is_subscribed {
                    hear(Heard::Gap);
                }
            }
        }
    }
}
