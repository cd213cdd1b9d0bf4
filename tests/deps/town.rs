//! The installation under trial, each of its dependencies behind a proxy.

use std::net::Ipv4Addr;

use souk::kernel::Clock;

use crate::rig::{Caller, Kind, Proxy, RedisServer, Shop, Souk, free_port};
use crate::s3::FakeS3;
use crate::twilio::FakeTwilio;

const SETTINGS: &[(&str, &str)] = &[
    ("MAX_CONNECTIONS_PER_IP", "10000"),
    ("TRUST_PROXY", "127.0.0.1"),
    ("SMS_DAILY_LIMIT", "1000000"),
    ("RATE_UPLOAD", "1000000/60s"),
    ("DATABASE_MAX_CONNECTIONS", "10"),
];

pub struct Town {
    pub souks: Vec<Souk>,
    pub shop: Shop,
    pub twilio: FakeTwilio,
    pub bucket: FakeS3,
    /// The way to PostgreSQL; SQLite has none.
    pub database: Option<Proxy>,
    pub redis: Option<(RedisServer, Proxy)>,
}

impl Town {
    pub async fn build() -> Self {
        let twilio = FakeTwilio::start().await;
        let bucket = FakeS3::start(|| Clock::system().now()).await;
        let mut first = Souk::install("deps")
            .await
            .with(SETTINGS)
            .with(&twilio.settings())
            .with(&bucket.settings(&bucket.public_url()));
        let (mut database, mut redis) = (None, None);
        if Kind::chosen() == Kind::Postgres {
            let (proxy, url) = first.database.behind_proxy().await;
            let port = free_port();
            let server = RedisServer::on_port(port).await;
            let line = Proxy::start((Ipv4Addr::LOCALHOST, port).into()).await;
            first = first
                .with(&[("DATABASE_URL", &url)])
                .on_redis(line.url().replace("http", "redis"));
            (database, redis) = (Some(proxy), Some((server, line)));
        }
        let mut souks = vec![first];
        if database.is_some() {
            souks.push(souks[0].twin());
        }
        for souk in &mut souks {
            souk.start().await;
        }
        let owner = Caller::guest(&souks[0].url()).sign_in("0550000001").await;
        let shop = Shop::open(owner, "Bowl", &[1_000_000; 9]).await;
        Self {
            souks,
            shop,
            twilio,
            bucket,
            database,
            redis,
        }
    }

    /// The way to the database.
    pub fn line(&self) -> &Proxy {
        self.database.as_ref().expect("a database server")
    }

    pub fn redis(&mut self) -> &mut (RedisServer, Proxy) {
        self.redis.as_mut().expect("a Redis")
    }

    /// Checks what is left, then removes it.
    pub async fn end(mut self) {
        self.souks[0].check();
        let log = self.souks[0].log_text();
        // A call that was cut off left its transaction open in the pool.
        assert!(!log.contains("already a transaction in progress"), "{log}");
        while self.souks.len() > 1 {
            drop(self.souks.pop());
        }
        if let Some(souk) = self.souks.pop() {
            souk.remove().await;
        }
    }
}
