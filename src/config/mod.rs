//! The settings: defaults, then an optional file, then the environment. They are read
//! and judged once, at start, and every problem is told at once.

mod auth;
mod clerk;
mod database;
mod jobs;
mod keys;
mod log;
mod mail;
mod market;
mod media;
mod observe;
mod production;
mod read;
mod redis;
mod secrets;
mod server;
mod sms;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub use auth::{Auth, SessionPolicy};
pub use clerk::Clerk;
pub use jobs::Jobs;
pub use keys::Keys;
pub use log::{Format, Log};
pub use mail::{Mail, Smtp, SmtpTls};
pub use market::{Market, ShippingMode};
pub use media::{Bucket, Media};
pub use observe::{Metrics, MetricsPort, Traces};
pub use read::Problem;
pub use secrets::Secrets;
pub use sms::{Sender, Sms, Twilio};

use crate::cache::RedisConfig;
use crate::db::DbConfig;
use crate::grpc::ServerConfig;
use crate::kernel::Secret;
use read::Reader;

/// Where this process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On somebody's desk: makes what it needs, shows what it does.
    Development,
    /// For real: refuses to start with anything unsafe.
    Production,
}

impl Environment {
    /// The word of `SOUK_ENV`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// Every setting.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where this process runs.
    pub environment: Environment,
    /// Where files of its own are kept.
    pub data: PathBuf,
    /// The port.
    pub server: ServerConfig,
    /// The database.
    pub database: DbConfig,
    /// Whether the database was named, not only defaulted.
    pub database_named: bool,
    /// Redis, where there is one.
    pub redis: Option<RedisConfig>,
    /// The keys.
    pub secrets: Secrets,
    /// The keys of access tokens, beyond the shared secret.
    pub keys: Keys,
    /// Sign-in.
    pub auth: Auth,
    /// Text messages.
    pub sms: Sms,
    /// Mail.
    pub mail: Mail,
    /// Clerk, where it is on.
    pub clerk: Option<Clerk>,
    /// How the marketplace trades.
    pub market: Market,
    /// Where files are kept.
    pub media: Media,
    /// Background work.
    pub jobs: Jobs,
    /// The log.
    pub log: Log,
    /// The metrics.
    pub metrics: Metrics,
    /// The traces, where they are on.
    pub traces: Option<Traces>,
    /// Where faults are reported, if they are.
    pub sentry_dsn: Option<Secret<String>>,
    /// What was made or ignored on the way, for the log.
    pub notes: Vec<String>,
}

impl Config {
    /// Reads and judges the settings of `env` and of `file`, the text of the TOML file.
    /// In development the data directory and missing secrets are made.
    ///
    /// # Errors
    /// Every problem there is.
    pub fn load(env: BTreeMap<String, String>, file: Option<&str>) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(env, file);
        let mut notes = Vec::new();
        let environment = environment(&mut reader);
        let production = environment == Environment::Production;
        let data = PathBuf::from(
            reader
                .text(("SOUK_DATA", "data"))
                .unwrap_or_else(|| "data".to_owned()),
        );
        if !production {
            make_folder(&data, &mut reader, &mut notes);
        }
        let secrets = secrets::read(&mut reader, keep_in(&data, production), &mut notes);
        let config = Self {
            environment,
            server: server::read(&mut reader, production),
            database: database::read(&mut reader, &data),
            database_named: database::is_named(&mut reader),
            redis: redis::read(&mut reader),
            keys: keys::read(&mut reader, &secrets, production),
            secrets,
            auth: auth::read(&mut reader),
            sms: sms::read(&mut reader),
            mail: mail::read(&mut reader),
            clerk: clerk::read(&mut reader),
            market: market::read(&mut reader, production),
            media: media::read(&mut reader, production, &mut notes),
            jobs: jobs::read(&mut reader),
            log: log::read(&mut reader, production),
            metrics: observe::metrics(&mut reader),
            traces: observe::traces(&mut reader),
            sentry_dsn: observe::sentry(&mut reader, &mut notes),
            data,
            notes,
        };
        let mut problems = reader.finish();
        if production {
            problems.extend(production::refusals(&config));
        }
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }
}

/// Development keeps its files in a folder that it makes itself.
fn make_folder(data: &Path, reader: &mut Reader, notes: &mut Vec<String>) {
    if data.is_dir() {
        return;
    }
    match fs::create_dir_all(data) {
        Ok(()) => notes.push(format!(
            "made the folder {} for development",
            data.display()
        )),
        Err(error) => reader.problems.push(Problem::new(
            "SOUK_DATA",
            format!("names a folder that cannot be made: {error}"),
        )),
    }
}

fn environment(reader: &mut Reader) -> Environment {
    reader.with(
        ("SOUK_ENV", "env"),
        Environment::Development,
        "development or production",
        |text| match text {
            "development" => Some(Environment::Development),
            "production" => Some(Environment::Production),
            _ => None,
        },
    )
}

/// Only development keeps secrets of its own making.
fn keep_in(data: &Path, production: bool) -> Option<&Path> {
    (!production).then_some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(settings: &[(&str, &str)], file: Option<&str>) -> Result<Config, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let mut env = read::testing::env(settings);
        env.insert("SOUK_DATA".to_owned(), folder.path().display().to_string());
        Config::load(env, file)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    const PRODUCTION: [(&str, &str); 14] = [
        ("METRICS_PORT", "9090"),
        ("SOUK_ENV", "production"),
        ("JWT_SECRET", "3b1f7a86c9d04e5fa1728394a5b6c7d8"),
        ("OTP_SECRET", "91c2e4d6f8a0b1c3d5e7f9a1b3c5d7e9"),
        ("TOKEN_SECRET", "5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c"),
        (
            "DATABASE_URL",
            "postgres://souk@db/souk?sslmode=verify-full",
        ),
        ("TLS_AT_PROXY", "true"),
        ("TRUST_PROXY", "10.0.0.0/8, 192.0.2.7"),
        ("CLIENT_URL", "https://shop.example.com"),
        ("SMTP_HOST", "smtp.example.com"),
        ("MAIL_FROM", "souk <no-reply@example.com>"),
        ("TWILIO_ACCOUNT_SID", "AC0123"),
        ("TWILIO_AUTH_TOKEN", "9f8e7d6c5b4a"),
        ("TWILIO_FROM", "+12025550100"),
    ];

    fn production(changes: &[(&'static str, &'static str)]) -> Result<Config, Vec<String>> {
        let mut settings: Vec<_> = PRODUCTION
            .into_iter()
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name))
            .collect();
        settings.extend(changes);
        load(&settings, None)
    }

    #[test]
    fn development_needs_nothing_and_says_what_it_made() {
        let config = load(&[], None).unwrap();
        assert_eq!(config.environment, Environment::Development);
        assert_eq!(config.server.port, 4000);
        assert!(config.server.host.is_loopback());
        assert!(config.database.url.starts_with("sqlite://"));
        assert!(config.notes[0].contains("secrets"));
        assert!(config.server.limits.pause.is_zero());
    }

    #[test]
    fn every_problem_is_told_at_once_by_name() {
        let wrong = [
            ("PORT", "http"),
            ("SESSION_POLICY", "several"),
            ("TRUST_PROXY", "10.0.0.0/8,elsewhere"),
            ("CORS_ORIGIN", "shop.example.com"),
            ("RATE_READ", "many"),
            ("RESERVATION_TTL_MINUTES", "90"),
            ("OTP_DEV_CODE", "12"),
            ("TLS_CERT_FILE", "cert.pem"),
            ("DATABASE_URL", "mysql://x"),
            ("REDIS_URL", "memcached://x"),
            ("ACCESS_TOKEN_EXPIRES_IN", "1d"),
            ("CLIENT_URL", "shop.example.com"),
            ("ADMIN_BOOTSTRAP_TOKEN", "short"),
            ("PASSWORD_HASHERS", "0"),
            ("STREAMS_PER_USER", "0"),
            ("SHUTDOWN_DELAY", "20s"),
            ("METRICS_PORT", "many"),
            ("METRICS_TOKEN", "short"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
            ("OTEL_TRACES_SAMPLER", "some"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ("SENTRY_DSN", "key"),
            ("SLOW_QUERY_MS", "-1"),
            ("JOBS", "perhaps"),
            ("JOBS_CONCURRENCY", "0"),
            ("JOBS_QUEUES", "sms"),
            ("JOBS_LEASE", "1s"),
            ("JOBS_POLL", "soon"),
            ("JOBS_DONE_KEPT", "0"),
        ];
        let problems = load(&wrong, None).unwrap_err();
        for (name, _) in wrong {
            let name = if name == "TLS_CERT_FILE" {
                "TLS_KEY_FILE"
            } else {
                name
            };
            assert!(
                problems.iter().any(|problem| problem.starts_with(name)),
                "{name}"
            );
        }
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
    }

    #[test]
    fn the_file_gives_what_the_environment_does_not() {
        let file =
            "[server]\nport = 5000\ncors_origin = [\"https://a.dz\"]\n[rates]\nread = \"5/1s\"";
        let config = load(&[("PORT", "6000")], Some(file)).unwrap();
        assert_eq!(config.server.port, 6000);
        let origins = format!("{:?}", config.server.origins);
        assert!(origins.contains("https://a.dz"));
    }

    #[test]
    fn the_parts_of_a_database_make_its_url() {
        let parts = [
            ("DATABASE_HOST", "db"),
            ("DATABASE_USER", "me"),
            ("DATABASE_PASSWORD", "p@ss/word"),
            ("DATABASE_NAME", "ecom"),
        ];
        let config = load(&parts, None).unwrap();
        assert_eq!(
            config.database.url,
            "postgres://me:p%40ss%2Fword@db:5432/ecom"
        );
    }

    #[test]
    fn production_starts_when_all_is_safe_and_refuses_each_danger() {
        let safe = production(&[]).unwrap();
        assert!(!safe.server.limits.pause.is_zero());
        let dangers = [
            (
                "CLIENT_URL",
                "http://shop.example.com",
                "CLIENT_URL must be https",
            ),
            ("JWT_SECRET", "", "JWT_SECRET must be set"),
            ("OTP_SECRET", "short", "OTP_SECRET must have"),
            ("OTP_SECRET", PRODUCTION[2].1, "OTP_SECRET must differ"),
            ("REFLECTION", "true", "REFLECTION must be off"),
            ("OTP_DEV_CODE", "123456", "OTP_DEV_CODE must not be set"),
            (
                "ALLOW_ADMIN_SIGNUP",
                "true",
                "ALLOW_ADMIN_SIGNUP must be off",
            ),
            (
                "DATABASE_URL",
                "postgres://souk@db/souk",
                "DATABASE_URL must use TLS",
            ),
            ("DATABASE_URL", "", "DATABASE_URL must be set"),
            (
                "DATABASE_REPLICA_URL",
                "postgres://souk@copy/souk",
                "DATABASE_REPLICA_URL must use TLS",
            ),
            ("REDIS_URL", "redis://:pw@cache", "REDIS_URL must use TLS"),
            ("REDIS_HOST", "cache", "REDIS_URL must use TLS"),
            ("TLS_AT_PROXY", "false", "TLS_CERT_FILE must be set"),
            ("TRUST_PROXY", "", "TRUST_PROXY must name"),
            ("SMTP_TLS", "none", "SMTP_TLS must not be none"),
            ("METRICS_HOST", "0.0.0.0", "METRICS_TOKEN must be set"),
            ("AUCTION_MIN_SECONDS", "3599", "AUCTION_MIN_SECONDS must"),
            ("TWILIO_API_URL", "http://x", "TWILIO_API_URL must use TLS"),
            ("PUBLIC_URL", "http://x", "PUBLIC_URL must be https"),
        ];
        for (name, value, problem) in dangers {
            let problems = production(&[(name, value)]).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with(problem), "{problems:?}");
        }
        let idle = [("DATABASE_URL", "sqlite:///var/souk.db"), ("JOBS", "off")];
        assert!(production(&idle).unwrap_err()[0].starts_with("JOBS must be on"));
        production(&[("JOBS", "off")]).unwrap();
        production(&[("AUCTION_MIN_SECONDS", "3600")]).unwrap();
        let open = [("CORS_ORIGIN", "*"), ("CORS_CREDENTIALS", "true")];
        assert!(production(&open).unwrap_err()[0].starts_with("CORS_ORIGIN"));
    }

    #[test]
    fn production_tells_all_of_its_refusals_together() {
        let problems = load(&[("SOUK_ENV", "production"), ("REFLECTION", "on")], None).unwrap_err();
        assert_eq!(problems.len(), 6, "{problems:?}");
    }

    #[test]
    fn no_secret_is_shown() {
        let shown = format!("{:?}", production(&[]).unwrap());
        for (name, value) in PRODUCTION {
            assert!(
                !name.ends_with("SECRET") || !shown.contains(value),
                "{name}"
            );
        }
    }
}
