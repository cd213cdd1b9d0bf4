//! How to reach Redis.

use std::net::IpAddr;

use fred::types::RespVersion;
use fred::types::config::{Config, ServerConfig};

use crate::kernel::Secret;

/// What an address may begin with. With `s` the talk is in TLS.
const SCHEMES: [&str; 6] = [
    "redis",
    "rediss",
    "valkey",
    "valkeys",
    "redis+unix",
    "valkey+unix",
];

/// Where Redis is, and what the names of this installation begin with.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    url: Secret<String>,
    prefix: String,
}

impl RedisConfig {
    /// From an address such as `redis://user:password@host:6379/0`, `rediss://…` with
    /// TLS, `redis-cluster://…` with further `?node=host:port`, `redis+unix:///path`, or
    /// the same with `valkey`; and the prefix of every key and channel.
    ///
    /// # Errors
    /// What is wrong with the address, without the address.
    pub fn new(url: &str, prefix: &str) -> Result<Self, String> {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        let plain = scheme
            .strip_suffix("-cluster")
            .or_else(|| scheme.strip_suffix("-sentinel"))
            .unwrap_or(scheme);
        if !SCHEMES.contains(&plain) {
            return Err("must begin with redis://, rediss:// or redis-cluster://".to_owned());
        }
        let config = Self {
            url: Secret::new(url.to_owned()),
            prefix: prefix.to_owned(),
        };
        match config.parsed() {
            Ok(_) => Ok(config),
            Err(error) => Err(format!("is no address of Redis: {}", error.details())),
        }
    }

    /// What every key and channel begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether it is on another machine and the talk, or the door, is open: no TLS, or no
    /// password.
    pub fn is_exposed(&self) -> bool {
        self.parsed().is_ok_and(|config| {
            let is_open = config.tls.is_none() || config.password.is_none();
            let hosts = config.server.hosts();
            let is_unix = matches!(config.server, ServerConfig::Unix { .. });
            !is_unix && is_open && !hosts.iter().all(|server| is_local(&server.host))
        })
    }

    /// The client's own form of it.
    pub(super) fn parsed(&self) -> Result<Config, fred::error::Error> {
        let config = Config::from_url(self.url.expose())?;
        Ok(Config {
            // A process starts although Redis is away.
            fail_fast: false,
            version: RespVersion::RESP3,
            ..config
        })
    }
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_redis_or_valkey_is_taken_and_no_other() {
        for (url, is_good) in [
            ("redis://localhost", true),
            ("redis://user:p%40ss@10.0.0.5:6380/3", true),
            ("valkey://cache.example.com", true),
            ("redis-cluster://a:7000?node=b:7001&node=c:7002", true),
            ("redis+unix:///run/redis.sock", true),
            ("http://localhost", false),
            ("localhost:6379", false),
            ("redis://", false),
            ("redis://localhost/first", false),
            ("redis://localhost/300", false),
            ("", false),
        ] {
            assert_eq!(RedisConfig::new(url, "souk:").is_ok(), is_good, "{url}");
        }
    }

    #[test]
    fn a_remote_redis_without_tls_or_password_is_exposed() {
        for (url, is_exposed) in [
            ("redis://localhost", false),
            ("redis://127.0.0.1:6379/1", false),
            ("redis://[::1]:6379", false),
            ("redis+unix:///run/redis.sock", false),
            ("redis://cache.example.com", true),
            ("redis://:secret@cache.example.com", true),
            ("rediss://cache.example.com", true),
            ("rediss://:secret@cache.example.com", false),
            ("rediss-cluster://:secret@a:7000?node=b:7001", false),
            ("redis-cluster://127.0.0.1:7000?node=10.0.0.5:7001", true),
        ] {
            let config = RedisConfig::new(url, "souk:").unwrap();
            assert_eq!(config.is_exposed(), is_exposed, "{url}");
            assert!(!format!("{config:?}").contains("secret@"));
        }
    }
}
