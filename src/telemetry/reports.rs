//! Faults reported to Sentry: each line of the log at the level ERROR, panics among them,
//! with its request id and nothing of its caller. Built with the feature `sentry` only.

use std::fmt;
use std::time::Duration;

use sentry::protocol::{Event, Level, Map, Value};
use sentry::{ClientInitGuard, ClientOptions};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::kernel::Secret;

/// The client that reports.
pub(super) struct Reports(ClientInitGuard);

impl Reports {
    /// Begins to report; nothing when the DSN cannot be read.
    pub(super) fn start(dsn: &Secret<String>, environment: &'static str) -> Option<Self> {
        let Ok(dsn) = dsn.expose().parse() else {
            return None;
        };
        let mut options = ClientOptions::default();
        options.dsn = Some(dsn);
        options.release = Some(concat!("souk@", env!("CARGO_PKG_VERSION")).into());
        options.environment = Some(environment.into());
        // The name of the host is nobody's business.
        options.server_name = Some("souk".into());
        options.send_default_pii = false;
        // The log tells of panics, and so reports them; a second hook would say it twice.
        options.default_integrations = false;
        options.max_breadcrumbs = 0;
        Some(Self(sentry::init(options)))
    }

    /// Sends what is left.
    pub(super) fn stop(self, limit: Duration) {
        if !self.0.close(Some(limit)) {
            tracing::warn!("the last reports were not sent");
        }
    }
}

/// Reports what the log tells at the level ERROR.
pub(super) fn layer<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    Reporter.boxed()
}

struct Reporter;

impl<S: tracing::Subscriber> Layer<S> for Reporter {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        // Other crates may say more than anybody should read elsewhere.
        let is_own = metadata.target().starts_with("souk");
        if *metadata.level() != tracing::Level::ERROR || !is_own {
            return;
        }
        let mut told = Told::default();
        event.record(&mut told);
        let mut report = Event {
            level: Level::Error,
            message: told.message,
            logger: Some(metadata.target().to_owned()),
            extra: told.facts,
            ..Event::default()
        };
        for tag in ["request.id", "trace.id"] {
            if let Some(Value::String(id)) = report.extra.remove(tag) {
                report.tags.insert(tag.to_owned(), id);
            }
        }
        sentry::capture_event(report);
    }
}

/// The words of a line.
#[derive(Default)]
struct Told {
    message: Option<String>,
    facts: Map<String, Value>,
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value.to_owned());
    }
}

impl Told {
    fn keep(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" => self.message = Some(text),
            name => {
                self.facts.insert(name.to_owned(), Value::String(text));
            }
        }
    }
}
