//! How soon the server decided to refuse, by its own metrics: what a client measures on the
//! same two cores is mostly its own waiting for one of them.

use std::fmt;

const METRIC: &str = "souk_shed_seconds";
/// A refusal should be decided within so many seconds.
const SOON: &str = "0.05";

/// The refusals of a server since it started.
#[derive(Debug)]
pub struct Refusals {
    all: f64,
    soon: f64,
    seconds: f64,
}

impl Refusals {
    /// Asks the server.
    pub async fn told_by(url: &str) -> Self {
        let answer = reqwest::get(format!("{url}/metrics")).await.unwrap();
        let text = answer.text().await.unwrap();
        let sum = |suffix: &str, label: &str| {
            let lines = text.lines().filter(|line| {
                line.starts_with(&format!("{METRIC}_{suffix}{{")) && line.contains(label)
            });
            let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            values.sum()
        };
        Self {
            all: sum("count", ""),
            soon: sum("bucket", &format!("le=\"{SOON}\"")),
            seconds: sum("sum", ""),
        }
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { all, soon, seconds } = self;
        write!(
            f,
            "refusals in the server: {all:.0}, {:.2} % decided within {SOON} s, {:.1} ms on average",
            soon * 100.0 / all,
            seconds * 1000.0 / all,
        )
    }
}
