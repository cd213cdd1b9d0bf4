//! What a process may forget: caches, rate limits and passing counts, in this process
//! alone or in Redis for all processes together.
//!
//! Nothing here is needed for a right answer. Losing it costs time, or lets a caller
//! start a fresh allowance; exact counts live in the database. Only this room knows the
//! library that speaks with Redis.

mod counters;
mod limit;
mod meter;
mod read;
mod redis;
mod shared;
#[cfg(test)]
pub(crate) mod testing;

pub use counters::{Counters, LocalCounters, RedisCounters, Tally};
pub use limit::{Limit, LocalRateLimit, Quota, RateLimit, RedisRateLimit};
pub use read::{Cache, Freshness};
pub use redis::{Heard, Redis, RedisConfig};
pub use shared::{Portable, SharedCache, Tier};
