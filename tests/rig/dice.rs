//! Chance that can be repeated.

#![expect(
    clippy::disallowed_methods,
    reason = "the seed and the length of a run come from outside"
)]

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A setting of the run, from the environment.
pub fn setting<T: FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} cannot be {text:?}")),
        Err(_) => default,
    }
}

/// A seeded source of chance. Every decision of a run comes from one of these, so that a
/// seed repeats the decisions; what the machine makes of them may still differ.
pub struct Dice(StdRng);

impl Dice {
    /// The seed of SOUK_SEED, or a fresh one; printed either way.
    pub fn roll() -> Self {
        let seed = setting("SOUK_SEED", fresh() % 1_000_000);
        println!("seed: SOUK_SEED={seed}");
        Self::of(seed)
    }

    /// Dice that nobody repeats.
    pub fn fresh() -> Self {
        Self::of(fresh())
    }

    pub fn of(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Dice of their own for one part of the run.
    pub fn fork(&mut self) -> Self {
        Self::of(self.0.random())
    }

    /// A number of `range`.
    pub fn number(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.0.random_range(range)
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.number(1..=100) <= percent
    }

    /// An index below `len`.
    pub fn index(&mut self, len: usize) -> usize {
        self.0.random_range(0..len)
    }

    /// `count` different indexes below `len`, in any order.
    pub fn indexes(&mut self, len: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..len).collect();
        (0..count.min(len))
            .map(|_| all.swap_remove(self.0.random_range(0..all.len())))
            .collect()
    }

    /// A word that no other call gave, of `prefix` and 64 random bits.
    pub fn word(&mut self, prefix: &str) -> String {
        format!("{prefix}-{:016x}", self.0.random::<u64>())
    }
}

fn fresh() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_nanos() as u64
}
