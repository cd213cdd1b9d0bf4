//! What production must not start with.

use super::read::{Problem, refused};
use super::{Config, auth, clerk, database, mail, market, media, observe, redis, server, sms};

/// Everything that would make a production server unsafe; empty when it may start.
pub(super) fn refusals(config: &Config) -> Vec<Problem> {
    let of_redis = config.redis.as_ref().map(redis::refusals);
    let of_clerk = config.clerk.as_ref().map(clerk::refusals);
    [
        server::refusals(&config.server),
        auth::refusals(&config.auth),
        database::refusals(&config.database),
        of_redis.unwrap_or_default(),
        sms::refusals(&config.sms),
        mail::refusals(&config.mail),
        market::refusals(&config.market),
        observe::refusals(&config.metrics),
        of_sections_together(config),
        of_clerk.unwrap_or_default(),
        media::refusals(&config.media),
    ]
    .concat()
}

fn of_sections_together(config: &Config) -> Vec<Problem> {
    refused([
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
        (!config.database_named, "DATABASE_URL", "must be set"),
    ])
}
