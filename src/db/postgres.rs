//! How PostgreSQL is opened, and which connections of a pool are used again.

use std::time::Duration;

use futures_util::FutureExt;
use sea_orm::ConnectOptions;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::connect::DbConfig;
use super::doubt::Doubt;
use super::pulse::Pulse;
use super::replica;

/// How long what a caller left on a connection may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(1);

/// What tells that a connection is not to be used again. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Signs {
    pub(super) pulse: Pulse,
    pub(super) doubt: Doubt,
}

/// Connections of one pool.
pub(super) fn options(config: &DbConfig, signs: &Signs) -> ConnectOptions {
    let (before, after) = (signs.clone(), signs.clone());
    let mut options = ConnectOptions::new(&config.url);
    let statement_timeout = config.statement_timeout.as_millis().to_string();
    options
        .max_connections(config.max_connections)
        .min_connections(Ord::min(config.min_connections, config.max_connections))
        .acquire_timeout(config.acquire_timeout)
        .connect_timeout(config.connect_timeout)
        .idle_timeout(config.idle_timeout)
        .test_before_acquire(false)
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .sqlx_logging(false)
        .map_sqlx_postgres_before_acquire(move |_connection, meta| {
            let usable = !before.doubt.is_on(meta.age);
            async move { Ok(usable) }.boxed()
        })
        .map_sqlx_postgres_pool_opts(move |options| {
            let after = after.clone();
            options.after_release(move |connection, meta| {
                let Signs { pulse, doubt } = after.clone();
                async move { Ok(!doubt.is_on(meta.age) && settles(connection, &pulse).await) }
                    .boxed()
            })
        })
        .map_sqlx_postgres_opts(move |options| {
            options
                .application_name("souk")
                .statement_cache_capacity(512)
                .options([
                    ("statement_timeout", statement_timeout.as_str()),
                    ("lock_timeout", "2000"),
                    ("idle_in_transaction_session_timeout", "10000"),
                    // A statement whose caller is gone ends, too.
                    ("client_connection_check_interval", "500"),
                ])
        });
    options
}

/// One connection, opened when it is first asked for.
pub(super) fn probe(config: &DbConfig, signs: &Signs) -> ConnectOptions {
    let mut options = options(config, signs);
    options
        .max_connections(1)
        .min_connections(0)
        .connect_lazy(true);
    options
}

/// The replica is not needed to start.
pub(super) fn following(config: &DbConfig, url: &str, signs: &Signs) -> ConnectOptions {
    let config = DbConfig {
        url: url.to_owned(),
        min_connections: 0,
        acquire_timeout: replica::PATIENCE,
        connect_timeout: replica::PATIENCE,
        ..config.clone()
    };
    let mut options = options(&config, signs);
    options.connect_lazy(true);
    options
}

/// Whether what a caller left on a connection, an answer or a rollback, comes to its end
/// within a moment. One that nobody answers would keep its place in the pool until TCP
/// gives up. Where nothing is left this costs no round trip; the ping that the driver sends
/// next, always and without a bound, then meets a connection that has just answered.
async fn settles(connection: &mut PgConnection, pulse: &Pulse) -> bool {
    tokio::select! {
        biased;
        () = pulse.lost() => false,
        settled = tokio::time::timeout(PATIENCE, connection.flush()) => {
            matches!(settled, Ok(Ok(())))
        }
    }
}
