//! What the tests of the promises stand on: the real program in a process of its own
//! that can be killed, a proxy that cuts connections, a marketplace made by real calls,
//! and chance that repeats from its seed.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part of the rig"
)]

mod balancer;
mod client;
mod crowd;
mod database;
mod dice;
mod late;
mod process;
mod proxy;
mod redis;
mod reel;
#[path = "../../src/services/media/check/samples.rs"]
pub mod samples;
mod shop;
pub mod usage;
#[path = "../../src/demo/video.rs"]
mod video;
mod wait;

pub use balancer::Balancer;
pub use client::{Caller, DEV_CODE, Verdict, is_unsent, judge};
pub use crowd::crowd;
pub use database::{Database, Kind};
pub use dice::{Dice, setting};
pub use late::{hold_stock, until_waiting};
pub use process::{END, Souk, Stopped, free_port};
pub use proxy::Proxy;
pub use redis::RedisServer;
pub use reel::reel;
pub use shop::{Good, Shop, lines, order};
pub use wait::{pause, until, with_retries};
