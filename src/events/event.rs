//! What watchers receive, and where it stands in the log.

use bytes::Bytes;
use uuid::Uuid;

use crate::kernel::Time;

/// The kind of the event that ends every stream of its aggregate, a session.
pub const SESSION_ENDED: &str = "session.ended";

/// The topic on which the ends of a user's sessions are told.
pub(super) fn session_topic(user: Uuid) -> String {
    format!("session/{user}")
}

/// Where an event stands in the log. On PostgreSQL ids are handed out before commit, so
/// the transaction comes first; on SQLite it is always zero and the id decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The transaction.
    pub txid: i64,
    /// The id, unique in the log.
    pub id: i64,
}

/// A change that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who hears it.
    pub topic: String,
    /// What happened: `order.placed`, `stock.changed`, ….
    pub kind: String,
    /// The record that changed.
    pub aggregate: Uuid,
    /// The record's version after the change.
    pub version: i64,
    /// An encoded protobuf message.
    pub payload: Bytes,
    /// Where the event stands in the log.
    pub position: Position,
    /// When the change was made.
    pub at: Time,
}
