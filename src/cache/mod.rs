//! What a process may forget: a read cache and rate limits, in this process alone.
//!
//! Nothing here is needed for a right answer. Losing it costs time, or lets a caller
//! start a fresh allowance; exact counts live in the database.

mod limit;
mod meter;
mod read;

pub use limit::{Limit, LocalRateLimit, Quota, RateLimit};
pub use read::Cache;
