//! What is written to the log, and how.

use tracing_subscriber::EnvFilter;

use super::read::Reader;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For eyes.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// The log.
#[derive(Debug, Clone)]
pub struct Log {
    /// A level (`info`), or directives per target (`info,souk::grpc=debug`).
    pub level: String,
    /// How lines look.
    pub format: Format,
}

pub(super) fn read(reader: &mut Reader, production: bool) -> Log {
    let default = if production {
        Format::Json
    } else {
        Format::Text
    };
    Log {
        level: reader.with(
            ("LOG_LEVEL", "log.level"),
            "info,sea_orm_migration=warn".to_owned(),
            "a level such as info, or levels per target",
            |text| EnvFilter::try_new(text).is_ok().then(|| text.to_owned()),
        ),
        format: reader.with(
            ("LOG_FORMAT", "log.format"),
            default,
            "text or json",
            |text| match text {
                "text" | "pretty" => Some(Format::Text),
                "json" => Some(Format::Json),
                _ => None,
            },
        ),
    }
}
