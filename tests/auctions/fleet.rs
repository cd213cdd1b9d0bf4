//! The processes that take bids.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use souk::app::{App, Overrides, Running};
use souk::config::Config;
use souk::kernel::Clock;

use crate::market::Market;
use crate::rig::{DEV_CODE, Dice, Kind, RedisServer, Souk, pause};

/// By how many microseconds the clock of one process is wrong.
const WRONG_BY: i64 = 30_000_000;
/// What all processes are set to.
const SETTINGS: &[(&str, &str)] = &[
    ("AUCTION_MIN_SECONDS", "1"),
    ("AUCTION_EXTENSION_SECONDS", "1"),
    ("MAX_CONNECTIONS_PER_IP", "10000"),
    ("STREAMS_PER_USER", "1000"),
    ("SESSION_POLICY", "multi"),
    ("TRUST_PROXY", "127.0.0.1"),
    ("RATE_LIMITS", "off"),
    ("DATABASE_MIN_CONNECTIONS", "1"),
];

pub struct Fleet {
    pub souks: Vec<Souk>,
    /// The process with the wrong clock, within this one; SQLite has none.
    wrong: Option<Running>,
    _redis: Option<RedisServer>,
}

impl Fleet {
    pub async fn start() -> Self {
        let mut first = Souk::install("auctions").await.with(SETTINGS);
        let data = first.folder().join("data").display().to_string();
        first = first.with(&[("SOUK_DATA", &data)]);
        if Kind::chosen() == Kind::Sqlite {
            first.start().await;
            return Self {
                souks: vec![first],
                wrong: None,
                _redis: None,
            };
        }
        let redis = RedisServer::start().await;
        let shared = [("REDIS_URL", redis.url()), ("REDIS_PREFIX", "t7:".into())];
        let shared = shared
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        first = first.with(&shared);
        first.start().await;
        let mut second = first.twin();
        second.start().await;
        let wrong = beside(&first, &data, &shared).await;
        Self {
            souks: vec![first, second],
            wrong: Some(wrong),
            _redis: Some(redis),
        }
    }

    /// Where each process listens.
    pub fn urls(&self) -> Vec<String> {
        let wrong = self.wrong.iter();
        let wrong = wrong.map(|running| format!("http://{}", running.address));
        self.souks.iter().map(Souk::url).chain(wrong).collect()
    }

    /// Kills a process in the moment in which a lot closes, and starts it again; when that
    /// was, and until when others may be late because of it.
    pub async fn kill_at_a_close(
        &mut self,
        market: &Market,
        dice: &mut Dice,
    ) -> RangeInclusive<i64> {
        let victim = dice.index(self.souks.len());
        let wait = market.until_a_close() + dice.number(0..=60) as i64 * 1000 - 20_000;
        pause(Duration::from_micros(wait.max(0).unsigned_abs())).await;
        let from = now();
        self.souks[victim].kill();
        pause(Duration::from_millis(300)).await;
        self.souks[victim].start().await;
        // Its leases run out after five seconds, and the sweep comes as often.
        from - 500_000..=now() + 7_000_000
    }

    pub fn check(&self) {
        self.souks[0].check();
    }

    /// Stops all and removes what they had.
    pub async fn end(mut self) {
        if let Some(running) = self.wrong.take() {
            running.app.close().await;
        }
        while self.souks.len() > 1 {
            self.souks.pop();
        }
        if let Some(souk) = self.souks.pop() {
            souk.remove().await;
        }
    }
}

/// The present moment, in microseconds.
pub fn now() -> i64 {
    Clock::system().now().micros()
}

/// Another process on the same database, on a machine whose clock is wrong.
async fn beside(first: &Souk, data: &str, shared: &[(&str, &str)]) -> Running {
    let database = first.database.url();
    let own = [
        ("SOUK_ENV", "development"),
        ("PORT", "0"),
        ("DATABASE_URL", &database),
        ("OTP_DEV_CODE", DEV_CODE),
        ("SOUK_DATA", data),
    ];
    let env: BTreeMap<String, String> = own
        .iter()
        .chain(SETTINGS)
        .chain(shared)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let config = Config::load(env, None).unwrap();
    let overrides = Overrides {
        clock: Clock::wrong_by(WRONG_BY),
        ..Overrides::default()
    };
    App::start(config, overrides).await.unwrap()
}
