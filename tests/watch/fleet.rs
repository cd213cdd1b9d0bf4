//! The processes, the lines to them, and what they share.

use std::sync::Arc;

use crate::rig::{Caller, Kind, Proxy, RedisServer, Souk};

/// Every reader and every writer of the run comes from one address.
const SETTINGS: &[(&str, &str)] = &[
    ("MAX_CONNECTIONS_PER_IP", "10000"),
    ("STREAMS_PER_USER", "1000"),
    ("SESSION_POLICY", "multi"),
    ("DATABASE_MIN_CONNECTIONS", "1"),
];

pub struct Fleet {
    pub souks: Vec<Souk>,
    /// One line to each process; readers use them, writers go directly.
    pub proxies: Vec<Proxy>,
    /// What processes share beside the database; SQLite has one process only.
    pub redis: Option<RedisServer>,
}

impl Fleet {
    pub async fn start() -> Self {
        let mut first = Souk::install("watch").await.with(SETTINGS);
        let redis = match Kind::chosen() {
            Kind::Sqlite => None,
            Kind::Postgres => Some(RedisServer::start().await),
        };
        if let Some(redis) = &redis {
            first = first.on_redis(redis.url());
        }
        let mut souks = vec![first];
        if redis.is_some() {
            souks.push(souks[0].twin());
            souks.push(souks[0].twin());
        }
        let mut proxies = Vec::new();
        for souk in &mut souks {
            souk.start().await;
            proxies.push(Proxy::start(souk.address()).await);
        }
        Self {
            souks,
            proxies,
            redis,
        }
    }

    /// Where readers connect.
    pub fn lines(&self) -> Arc<[String]> {
        self.proxies.iter().map(Proxy::url).collect()
    }

    /// One connection of a guest to each process, for writers.
    pub fn doors(&self) -> Vec<Caller> {
        self.urls().iter().map(|url| Caller::alert(url)).collect()
    }

    /// Where each process listens.
    pub fn urls(&self) -> Vec<String> {
        self.souks.iter().map(Souk::url).collect()
    }

    /// The first process, without a line between.
    pub fn direct(&self) -> String {
        self.souks[0].url()
    }

    /// Checks what is left, then removes it.
    pub async fn end(mut self) {
        self.souks[0].check();
        while self.souks.len() > 1 {
            if let Some(mut souk) = self.souks.pop() {
                souk.kill();
            }
        }
        if let Some(souk) = self.souks.pop() {
            souk.remove().await;
        }
    }
}
