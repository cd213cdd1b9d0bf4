//! What production must not start with.

use super::read::Problem;
use super::{Config, auth, clerk, database, mail, market, media, observe, sms};
use crate::cache::RedisConfig;
use crate::grpc::Origins;

/// Everything that would make a production server unsafe; empty when it may start.
pub(super) fn refusals(config: &Config) -> Vec<Problem> {
    let server = &config.server;
    let public = !server.host.is_loopback();
    let any_origin = matches!(server.origins, Origins::Any);
    let checks = [
        (
            server.reflection,
            "REFLECTION",
            "must be off: it shows every method to everybody",
        ),
        (
            auth::otp_is_fixed(&config.auth),
            "OTP_DEV_CODE",
            "must not be set: with it anybody signs in as anyone",
        ),
        (
            config.auth.admin_signup,
            "ALLOW_ADMIN_SIGNUP",
            "must be off: with it anybody registers as an administrator",
        ),
        (
            any_origin && server.credentials,
            "CORS_ORIGIN",
            "must list origins: * together with CORS_CREDENTIALS lets every site act for its visitors",
        ),
        (
            database::is_exposed(&config.database.url),
            "DATABASE_URL",
            "must use TLS to another host: add sslmode=require, or better verify-full",
        ),
        (
            config
                .database
                .replica_url
                .as_deref()
                .is_some_and(database::is_exposed),
            "DATABASE_REPLICA_URL",
            "must use TLS to another host: add sslmode=require, or better verify-full",
        ),
        (
            config.redis.as_ref().is_some_and(RedisConfig::is_exposed),
            "REDIS_URL",
            "must use TLS and a password to another host: rediss://user:password@host",
        ),
        (
            public && server.tls.is_none() && !server.tls_at_proxy,
            "TLS_CERT_FILE",
            "must be set to listen on a public address; where a proxy ends TLS, say TLS_AT_PROXY=true",
        ),
        (
            server.tls_at_proxy && server.trusted_proxies.is_empty(),
            "TRUST_PROXY",
            "must name the proxy that ends TLS: without it every client has the proxy's address",
        ),
        (
            sms::is_exposed(&config.sms),
            "TWILIO_API_URL",
            "must use TLS: the account's password goes there",
        ),
        (
            mail::is_exposed(&config.mail),
            "SMTP_TLS",
            "must not be none to another host: letters hold what opens accounts",
        ),
        (
            config.mail.smtp.is_some() && !config.auth.client_url.starts_with("https://"),
            "CLIENT_URL",
            "must be https where mail is sent: its links open accounts",
        ),
        (
            !config.jobs.beside_serving && config.database.url.starts_with("sqlite:"),
            "JOBS",
            "must be on with SQLite: no other process may run them there",
        ),
        (
            market::is_hasty(&config.market),
            "AUCTION_MIN_SECONDS",
            "must be 3600 or more: whom a shorter auction is for may hear of it too late",
        ),
        (
            observe::is_exposed(&config.metrics),
            "METRICS_TOKEN",
            "must be set where METRICS_HOST is not this host: metrics tell much",
        ),
        (!config.database_named, "DATABASE_URL", "must be set"),
    ];
    let plain = media::exposed(&config.media);
    let plain = plain.map(|setting| {
        Problem::new(
            setting,
            "must be https: who reads along could change what is sent",
        )
    });
    let unsafe_clerk = config.clerk.iter().flat_map(clerk::refusals);
    checks
        .into_iter()
        .filter(|(wrong, _, _)| *wrong)
        .map(|(_, setting, message)| Problem::new(setting, message))
        .chain(unsafe_clerk)
        .chain(plain)
        .collect()
}
