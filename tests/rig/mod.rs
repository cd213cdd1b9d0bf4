//! What the tests of the promises stand on: the real program in a process of its own
//! that can be killed, a proxy that cuts connections, a marketplace made by real calls,
//! and chance that repeats from its seed.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part of the rig"
)]

mod client;
mod database;
mod dice;
mod process;
mod proxy;
mod redis;
mod shop;
mod wait;

pub use client::{Caller, DEV_CODE, Verdict, judge};
pub use database::{Database, Kind};
pub use dice::{Dice, setting};
pub use process::{Souk, free_port};
pub use proxy::Proxy;
pub use redis::RedisServer;
pub use shop::{Good, Shop, lines, order};
pub use wait::{pause, until, with_retries};
