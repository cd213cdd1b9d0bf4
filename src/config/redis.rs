//! Redis or Valkey, which processes that share the work need.

use super::read::{Name, Problem, Reader, refused};
use crate::cache::RedisConfig;

const URL: Name = ("REDIS_URL", "redis.url");
const HOST: Name = ("REDIS_HOST", "redis.host");
const PREFIX: Name = ("REDIS_PREFIX", "redis.prefix");

/// How to reach Redis: the URL, or its parts; nothing where neither is set.
pub(super) fn read(reader: &mut Reader) -> Option<RedisConfig> {
    let parts = from_parts(reader);
    let prefix = reader.with(
        PREFIX,
        "souk:".to_owned(),
        "letters, digits and :._- only",
        |text| text.bytes().all(is_plain).then(|| text.to_owned()),
    );
    let (name, url) = match (reader.text(URL), parts) {
        (Some(url), _) => (URL, url),
        (None, Some(url)) => (HOST, url),
        (None, None) => return None,
    };
    match RedisConfig::new(&url, &prefix) {
        Ok(config) => Some(config),
        Err(problem) => {
            reader.problem(name, problem);
            None
        }
    }
}

/// What production must not start with.
pub(super) fn refusals(redis: &RedisConfig) -> Vec<Problem> {
    refused([(
        redis.is_exposed(),
        URL.0,
        "must use TLS and a password to another host: rediss://user:password@host",
    )])
}

/// Braces, for one, mean something to a cluster.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'.' | b'_' | b'-')
}

/// A URL from `REDIS_HOST` and its companions.
fn from_parts(reader: &mut Reader) -> Option<String> {
    let host = reader.text(HOST);
    let port = reader.number(("REDIS_PORT", "redis.port"), 6379u16, 1, u16::MAX);
    let password = reader.text(("REDIS_PASSWORD", "redis.password"));
    let database = reader.number(("REDIS_DB", "redis.db"), 0u8, 0, u8::MAX);
    let host = host?;
    let host = match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host,
    };
    let escape = |text: String| {
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let login = password.map_or_else(String::new, |it| format!(":{}@", escape(it)));
    Some(format!("redis://{login}{host}:{port}/{database}"))
}

#[cfg(test)]
mod tests {
    use super::super::read::testing::with;
    use super::*;

    #[test]
    fn an_address_or_its_parts_turn_it_on() {
        assert!(with(&[], read).unwrap().is_none());
        assert!(with(&[("REDIS_PREFIX", "shop:")], read).unwrap().is_none());
        let url = [
            ("REDIS_URL", "rediss://:pw@cache:6380/2"),
            ("REDIS_PREFIX", "a-b:"),
        ];
        let config = with(&url, read).unwrap().unwrap();
        assert_eq!(config.prefix(), "a-b:");
        assert!(!config.is_exposed());
        let parts = [
            ("REDIS_HOST", "cache"),
            ("REDIS_PORT", "6380"),
            ("REDIS_PASSWORD", "p@ss/word#1"),
            ("REDIS_DB", "3"),
        ];
        assert!(with(&parts, read).unwrap().unwrap().is_exposed());
        let here = with(&[("REDIS_HOST", "::1")], read).unwrap().unwrap();
        assert!(!here.is_exposed());
        assert_eq!(here.prefix(), "souk:");
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        for (settings, name) in [
            (("REDIS_URL", "http://:secret@cache"), "REDIS_URL"),
            (("REDIS_URL", "redis://:secret@cache/x"), "REDIS_URL"),
            (("REDIS_HOST", "not a host secret"), "REDIS_HOST"),
            (("REDIS_PORT", "secret"), "REDIS_PORT"),
            (("REDIS_DB", "256"), "REDIS_DB"),
            (("REDIS_PREFIX", "{secret}"), "REDIS_PREFIX"),
        ] {
            let problems = with(&[settings], read).unwrap_err();
            assert!(problems[0].starts_with(name), "{problems:?}");
            assert!(!problems[0].contains("secret"), "{problems:?}");
        }
    }
}
