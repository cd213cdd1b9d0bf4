//! The connection to Redis or Valkey that all parts share.
//!
//! Nothing waits for Redis: while it is away every command fails at once, and a command
//! that gets no answer in [`PATIENCE`] takes it for away. One task looks for it, and
//! tells of its going and its coming back once each.

mod config;
mod listen;
#[cfg(test)]
mod tests;
mod watch;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fred::clients::{Client, Pool, SubscriberClient, WithOptions};
use fred::interfaces::{ClientLike, PubsubInterface};
use fred::prelude::{Builder, FredResult};
use fred::types::config::{
    ConnectionConfig, Options, PerformanceConfig, ReconnectPolicy, TcpConfig, UnresponsiveConfig,
};
use fred::types::scripts::Script;
use fred::types::{ClusterHash, CustomCommand, FromValue, Value};
use futures_util::future::join_all;
use tokio::sync::Notify;

use crate::kernel::task::Tasks;
use crate::kernel::{Error, Result};
pub use config::RedisConfig;
pub use listen::Heard;

/// How long a command may take. Whoever asks has the database to go to.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the start waits for the first connection.
const FIRST_CONNECTION: Duration = Duration::from_secs(1);
/// Connections; each carries many commands at once.
pub(super) const CONNECTIONS: usize = 2;
/// Commands that wait for a connection at the most.
const QUEUE: usize = 10_000;
/// Messages of the bus that wait for their reader at the most.
const MESSAGES: usize = 1024;

/// Redis, as this process reaches it. Clones share the connections.
#[derive(Clone)]
pub struct Redis(Arc<Shared>);

struct Shared {
    pool: Pool,
    subscriber: SubscriberClient,
    prefix: String,
    options: Options,
    is_away: AtomicBool,
    /// Its going was told, and its coming back is to be.
    is_missed: AtomicBool,
    /// How often it was found, from the first time on.
    finds: AtomicU64,
    /// Woken at each find.
    found: Notify,
    /// Wakes the task that looks for it.
    look: Notify,
}

impl Redis {
    /// Begins to connect, and waits a moment for the first connection. Without one the
    /// process goes on and connects later.
    ///
    /// # Errors
    /// INTERNAL when the settings cannot be used.
    pub async fn connect(config: &RedisConfig, tasks: &Tasks) -> Result<Self> {
        let builder = builder(config)?;
        let pool = builder.build_pool(CONNECTIONS).map_err(Error::internal)?;
        let subscriber = builder.build_subscriber_client();
        let redis = Self(Arc::new(Shared {
            pool,
            subscriber: subscriber.map_err(Error::internal)?,
            prefix: config.prefix().to_owned(),
            options: Options {
                timeout: Some(PATIENCE),
                fail_fast: true,
                ..Options::default()
            },
            is_away: AtomicBool::new(true),
            is_missed: AtomicBool::new(false),
            finds: AtomicU64::new(0),
            found: Notify::new(),
            look: Notify::new(),
        }));
        redis.start(tasks).await;
        Ok(redis)
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// UNAVAILABLE when there is none.
    pub async fn ping(&self) -> Result<()> {
        self.call(|client| async move { client.ping(None).await })
            .await
    }

    /// Whether it is away: then every command fails at once.
    pub fn is_away(&self) -> bool {
        self.0.is_away.load(Ordering::SeqCst)
    }

    /// Lets go of the connections. Takes no longer than a command.
    pub async fn close(&self) {
        let quits = join_all(self.0.pool.clients().iter().map(ClientLike::quit));
        let all = async { tokio::join!(quits, self.0.subscriber.quit()) };
        // One that is gone already cannot say goodbye.
        drop(tokio::time::timeout(PATIENCE, all).await);
    }

    /// Tells all who listen to a channel of this installation.
    ///
    /// # Errors
    /// UNAVAILABLE while Redis is away.
    pub async fn publish(&self, channel: &str, message: String) -> Result<()> {
        let channel = self.key(channel);
        self.call(|client| async move { client.publish(channel, message).await })
            .await
    }

    /// A key of this installation.
    pub(super) fn key(&self, name: &str) -> String {
        let mut key = String::with_capacity(self.0.prefix.len() + name.len());
        key.push_str(&self.0.prefix);
        key.push_str(name);
        key
    }

    /// A key of a part of this installation whose keys all lie on one server of a
    /// cluster, so that one script may use several.
    pub(super) fn tagged(&self, part: &str, name: &str) -> String {
        format!("{{{}{part}}}:{name}", self.0.prefix)
    }

    /// How often Redis was found. Whatever was kept in it may be another past each time.
    pub(super) fn finds(&self) -> u64 {
        self.0.finds.load(Ordering::SeqCst)
    }

    /// Returns when it was found since the last call.
    pub(super) async fn found(&self) {
        self.0.found.notified().await;
    }

    /// Runs a script, which Redis learns when it does not know it.
    pub(super) async fn run<R: FromValue>(
        &self,
        script: &Script,
        keys: Vec<String>,
        args: Vec<Value>,
    ) -> Result<R> {
        let mut words = Vec::with_capacity(2 + keys.len() + args.len());
        words.push(script.sha1().clone().into());
        words.push(Value::Integer(i64::try_from(keys.len()).unwrap_or(0)));
        words.extend(keys.into_iter().map(Value::from));
        words.extend(args);
        // The client's own methods for scripts heed neither its options nor its state.
        let command = |name| CustomCommand::new_static(name, ClusterHash::Offset(2), false);
        self.call(|client| async move {
            let outcome = client.custom(command("EVALSHA"), words.clone()).await;
            match (outcome, script.lua()) {
                (Err(error), Some(lua)) if error.details().starts_with("NOSCRIPT") => {
                    words[0] = lua.clone().into();
                    client.custom(command("EVAL"), words).await
                }
                (outcome, _) => outcome,
            }
        })
        .await
    }

    /// Runs a command, unless Redis is away; one that fails takes it for away.
    async fn call<R, F, Fut>(&self, command: F) -> Result<R>
    where
        F: FnOnce(WithOptions<Client>) -> Fut,
        Fut: Future<Output = FredResult<R>>,
    {
        if self.is_away() {
            return Err(Error::unavailable("Redis is away", "not connected"));
        }
        self.attempt(command).await.map_err(|error| {
            self.lost(&error);
            Error::unavailable("Redis does not answer", error)
        })
    }

    async fn attempt<R, F, Fut>(&self, command: F) -> FredResult<R>
    where
        F: FnOnce(WithOptions<Client>) -> Fut,
        Fut: Future<Output = FredResult<R>>,
    {
        command(self.0.pool.next_connected().with_options(&self.0.options)).await
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("is_away", &self.is_away())
            .finish_non_exhaustive()
    }
}

/// How connections are made: again and again, with nothing in them that grows.
fn builder(config: &RedisConfig) -> Result<Builder> {
    let mut builder = Builder::from_config(config.parsed().map_err(Error::internal)?);
    builder
        .set_policy(ReconnectPolicy::new_exponential(0, 50, 1_000, 2))
        .set_performance_config(PerformanceConfig {
            default_command_timeout: Duration::from_secs(3),
            broadcast_channel_capacity: MESSAGES,
            ..PerformanceConfig::default()
        })
        .set_connection_config(ConnectionConfig {
            connection_timeout: Duration::from_secs(2),
            internal_command_timeout: Duration::from_secs(2),
            max_command_attempts: 1,
            max_command_buffer_len: QUEUE,
            reconnect_on_auth_error: true,
            unresponsive: UnresponsiveConfig {
                max_timeout: Some(Duration::from_secs(10)),
                interval: Duration::from_secs(2),
            },
            tcp: TcpConfig {
                nodelay: Some(true),
                ..TcpConfig::default()
            },
            ..ConnectionConfig::default()
        });
    Ok(builder)
}
