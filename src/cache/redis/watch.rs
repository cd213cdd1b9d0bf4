//! Going away and coming back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::{ClientLike, EventInterface, KeysInterface};
use fred::prelude::FredResult;
use fred::types::Expiration;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::{FIRST_CONNECTION, Redis};
use crate::kernel::task::Tasks;

/// How often a Redis that is away is looked for.
const SEARCH: Duration = Duration::from_millis(200);
/// How often one that answers is looked at.
const VISIT: Duration = Duration::from_secs(2);

impl Redis {
    /// Connects, and watches over the connections until the process stops.
    pub(super) async fn start(&self, tasks: &Tasks) {
        for client in self.0.pool.clients() {
            let (redis, client) = (self.clone(), client.clone());
            let stopping = tasks.stopping();
            let connections = client.reconnect_rx();
            client.connect();
            tasks.spawn(async move { redis.notice(client, connections, &stopping).await });
        }
        let first = async {
            while self.visit().await.is_err() {
                tokio::time::sleep(SEARCH / 10).await;
            }
        };
        if tokio::time::timeout(FIRST_CONNECTION, first).await.is_err() {
            self.0.is_missed.store(true, Ordering::SeqCst);
            tracing::warn!("Redis cannot be reached, this process works alone until it can");
        }
        let (redis, stopping) = (self.clone(), tasks.stopping());
        tasks.spawn(async move { redis.watch(&stopping).await });
    }

    /// A command failed: until a visit succeeds, nothing is asked any more.
    pub(super) fn lost(&self, error: &fred::error::Error) {
        if !self.0.is_away.swap(true, Ordering::SeqCst) {
            self.0.is_missed.store(true, Ordering::SeqCst);
            tracing::warn!(%error, "Redis is away, this process works alone until it is back");
            self.0.look.notify_one();
        }
    }

    /// Looks whether it answers and can be written to.
    async fn visit(&self) -> FredResult<()> {
        let key = self.key("visit");
        let visit = |client: fred::clients::WithOptions<Client>| async move {
            let lasts = Some(Expiration::EX(60));
            client.set::<(), _, _>(key, 1, lasts, None, false).await
        };
        self.attempt(visit).await?;
        if self.0.is_away.load(Ordering::SeqCst) {
            // First: what was kept is in doubt before the first command asks for it.
            self.find();
            self.0.is_away.store(false, Ordering::SeqCst);
            if self.0.is_missed.swap(false, Ordering::SeqCst) {
                tracing::info!("Redis is back");
            }
        }
        Ok(())
    }

    fn find(&self) {
        self.0.finds.fetch_add(1, Ordering::SeqCst);
        self.0.found.notify_one();
    }

    async fn watch(&self, stopping: &CancellationToken) {
        loop {
            let pause = if self.is_away() { SEARCH } else { VISIT };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.0.look.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
            if let Err(error) = self.visit().await {
                self.lost(&error);
            }
        }
    }

    /// A connection that was made anew may lead to a Redis that has forgotten something,
    /// although no command of this process met the gap.
    async fn notice(
        &self,
        client: Client,
        mut connections: tokio::sync::broadcast::Receiver<fred::types::config::Server>,
        stopping: &CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                made = connections.recv() => match made {
                    Ok(_) | Err(RecvError::Lagged(_)) => self.find(),
                    Err(RecvError::Closed) => return,
                },
            }
            tracing::debug!(client = client.id(), "connected to Redis");
        }
    }
}
