//! What breaks, and what is written down for each: the table of docs/RELIABILITY.md.

use std::process::Command;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::load::Class;
use crate::s3;
use crate::town::Town;
use crate::twilio::Reply;

/// How long souk may take to recover.
pub const RECOVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database answers nothing, and its connections stay open.
    DatabaseSilent,
    /// The database ends every connection, once.
    DatabaseReset,
    /// The way to the database forgets every connection, once; new ones work.
    DatabaseForgotten,
    /// The database server dies, and is started again.
    DatabaseKilled,
    /// Each round trip to the database takes 200 ms more.
    DatabaseSlow,
    /// Somebody holds the orders, so that writers wait until none is left in the pool.
    PoolStarved,
    /// Redis is gone.
    RedisDown,
    /// Each answer of Redis takes a second.
    RedisSlow,
    /// Redis forgets everything.
    RedisEmptied,
    /// The provider of text messages takes calls and never answers.
    SmsSilent,
    /// The bucket takes calls and never answers.
    BucketSilent,
    /// The bucket fails every call.
    BucketBroken,
}

/// What is written down for a class of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// As if nothing were.
    Works,
    /// Refused with UNAVAILABLE, within two seconds of when the fault was noticed.
    Refused,
    /// Answered, or refused with UNAVAILABLE or CONFLICT, or too late for its caller.
    Either,
}

/// Keeps the fault up, where something must be held for it.
pub enum Hold {
    Nothing,
    Locked(DatabaseTransaction),
}

impl Fault {
    /// What is outside of souk and its databases.
    pub const OUTSIDE: [Self; 3] = [Self::SmsSilent, Self::BucketSilent, Self::BucketBroken];

    pub const ALL: [Self; 12] = [
        Self::SmsSilent,
        Self::BucketSilent,
        Self::BucketBroken,
        Self::RedisEmptied,
        Self::RedisDown,
        Self::RedisSlow,
        Self::DatabaseSlow,
        Self::DatabaseReset,
        Self::DatabaseForgotten,
        Self::PoolStarved,
        Self::DatabaseSilent,
        Self::DatabaseKilled,
    ];

    pub fn fate(self, class: Class) -> Fate {
        match (self, class) {
            // What is cached is answered without the database.
            (Self::DatabaseSilent | Self::DatabaseKilled, Class::Product) => Fate::Works,
            (Self::DatabaseSilent | Self::DatabaseKilled, _) => Fate::Refused,
            (Self::DatabaseSlow | Self::DatabaseForgotten | Self::PoolStarved, Class::Product) => {
                Fate::Works
            }
            (
                Self::DatabaseSlow
                | Self::DatabaseReset
                | Self::DatabaseForgotten
                | Self::PoolStarved,
                _,
            ) => Fate::Either,
            (Self::BucketSilent, Class::Picture) => Fate::Either,
            (Self::BucketBroken, Class::Picture) => Fate::Refused,
            _ => Fate::Works,
        }
    }

    /// How long a class may take to work again: whoever has failed is left alone for half a
    /// minute. What was open when the way forgot it keeps its locks until PostgreSQL ends
    /// it, ten seconds later; those who wait for them then have two.
    pub fn recovery(self, class: Class) -> Duration {
        match (self, class) {
            (Self::BucketBroken | Self::BucketSilent, Class::Picture) => Duration::from_secs(31),
            (Self::DatabaseForgotten, _) => Duration::from_secs(7),
            _ => RECOVERY,
        }
    }

    /// Whether a process says that it is not ready.
    pub fn turns_readiness_red(self) -> bool {
        matches!(
            self,
            Self::DatabaseSilent | Self::DatabaseForgotten | Self::DatabaseKilled
        )
    }

    pub async fn begin(self, town: &mut Town) -> Hold {
        match self {
            Self::DatabaseSilent => town.line().freeze(true),
            Self::DatabaseReset => town.line().cut(),
            Self::DatabaseForgotten => town.line().forget(),
            Self::DatabaseKilled => postgres("kill"),
            Self::DatabaseSlow => town.line().delay(Duration::from_millis(100)),
            Self::PoolStarved => {
                let beside = town.souks[0].database.connect().await;
                let held = beside.begin().await.unwrap();
                let lock = "LOCK TABLE orders IN EXCLUSIVE MODE";
                held.execute_unprepared(lock).await.unwrap();
                return Hold::Locked(held);
            }
            Self::RedisDown => town.redis().0.kill(),
            Self::RedisSlow => town.redis().1.delay(Duration::from_secs(1)),
            Self::RedisEmptied => {
                let redis = &town.redis().0;
                redis.command(&["FLUSHALL"]).await;
                redis.command(&["SCRIPT", "FLUSH"]).await;
            }
            Self::SmsSilent => town.twilio.will(vec![Reply::Silent; 10_000]),
            Self::BucketSilent => town.bucket.always(Some(s3::Fault::Silent)),
            Self::BucketBroken => town.bucket.always(Some(s3::Fault::Broken)),
        }
        Hold::Nothing
    }

    pub async fn end(self, town: &mut Town, hold: Hold) {
        if let Hold::Locked(held) = hold {
            held.rollback().await.unwrap();
        }
        match self {
            Self::DatabaseSilent => town.line().freeze(false),
            Self::DatabaseSlow => town.line().delay(Duration::ZERO),
            Self::DatabaseKilled => postgres("start"),
            Self::RedisDown => town.redis().0.restart().await,
            Self::RedisSlow => town.redis().1.delay(Duration::ZERO),
            Self::SmsSilent => town.twilio.forget(),
            Self::BucketSilent | Self::BucketBroken => town.bucket.always(None),
            Self::DatabaseReset
            | Self::DatabaseForgotten
            | Self::PoolStarved
            | Self::RedisEmptied => {}
        }
    }
}

/// Kills the database server, or starts it again: that of `scripts/services`, which
/// SOUK_SERVICES_DIR names.
fn postgres(verb: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/services");
    let done = Command::new(script).args(["postgres", verb]).status();
    assert!(
        done.is_ok_and(|it| it.success()),
        "scripts/services postgres {verb}: only its own server can be killed"
    );
}
