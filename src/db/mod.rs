//! The database: connections, the one write path, idempotency, and the rows that a
//! change leaves behind for others (events, jobs).
//!
//! Rooms above see [`Db`] and [`Tx`]. Besides this room only `events/store`, `jobs/store`,
//! `check` and the services' `store`/`entity` files know sea-orm. The SQL that differs
//! between the databases stands here, most of it in `dialect`; only `events/store` and
//! `check` have some too.

mod audit;
mod batches;
mod clock;
mod conditions;
mod connect;
mod dialect;
mod doubt;
mod errors;
mod idempotency;
pub mod job_order;
mod json_text;
mod meter;
mod observers;
mod outbox;
mod postgres;
mod pulse;
mod replica;
mod sqlite;
mod statements;
#[cfg(test)]
pub(crate) mod testing;
mod tx;
mod webhooks;

pub use conditions::Conditions;
pub use connect::{Db, DbConfig};
pub use dialect::{Dialect, Kind};
pub use errors::{is_check_violation, is_foreign_key_violation, unique_violation};
pub use idempotency::Answer;
pub use json_text::JsonText;
pub use meter::PoolState;
pub use observers::{Observer, Seen};
pub use outbox::{NewEvent, NewJob};
pub use pulse::Pulse;
pub use statements::count as count_statements;
pub use tx::Tx;

/// What can run a query: an open transaction, or the connections for reading.
pub use sea_orm::ConnectionTrait as Conn;
