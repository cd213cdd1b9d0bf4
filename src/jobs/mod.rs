//! Durable background work: who does which kind, when it runs, and what happens when it
//! fails.
//!
//! A job is a row, written in the transaction of the change that asks for it
//! (`Tx::enqueue`), so it exists exactly when the change does. It runs at least once:
//! handlers must bear a repeat, or end the job in the transaction of their effect
//! (`Run::complete`). Leases and due times go by the database's clock (`Db::clock`), so a
//! process whose own is wrong neither steals nor starves. A worker holds a job by a lease,
//! which it renews while the handler goes on; each claim raises the attempt number, and
//! every later write about the job names it, so a worker that slept through its lease can
//! change nothing. Failures wait with growing pauses, longer where the error asks for it,
//! and after the last try the job is parked as dead until an operator retries it; after the
//! first one, when the error says that none can succeed.
//!
//! Jobs of one order key run one after the other, in the order in which they were
//! committed; one that fails holds up those behind it until it succeeds or is dead.
//! When the process stops, jobs that do not end in time are given back, and begin anew
//! elsewhere at once.

mod attempt;
mod metrics;
mod recover;
mod registry;
mod retention;
mod schedule;
pub mod store;
mod worker;

#[cfg(test)]
mod tests;

pub use registry::{Registry, Run};
pub use retention::{DONE_KEPT, register_purges};
pub use store::{Filter, Job, QueueCounts, State};
pub use worker::{Jobs, JobsConfig};
