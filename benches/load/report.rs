//! The figures as Markdown, with the aims beside them.

use std::fmt;
use std::time::Duration;

use crate::drive::Measured;
use crate::logins::{BESIDE, QUIET};

/// What one database gave.
pub struct Report {
    pub database: &'static str,
    pub lines: Vec<Measured>,
    pub cold_start: Duration,
    /// Resident memory in MiB, ready and before the first call.
    pub idle: f64,
    /// Resident memory in MiB after the load.
    pub loaded: f64,
}

/// A ratio of two rates that must not be lower.
struct Aim {
    what: &'static str,
    rate: &'static str,
    of: &'static str,
    percent: f64,
}

const AIMS: [Aim; 5] = [
    Aim {
        what: "GetProduct of the echo",
        rate: "GetProduct",
        of: "echo",
        percent: 60.0,
    },
    Aim {
        what: "PlaceOrder of its statements by pgbench",
        rate: "PlaceOrder",
        of: "pgbench",
        percent: 70.0,
    },
    Aim {
        what: "GetProduct as JSON of gRPC",
        rate: "GET /api/products/{id}",
        of: "GetProduct",
        percent: 60.0,
    },
    Aim {
        what: "ListProducts as JSON of gRPC",
        rate: "GET /api/products?limit=20",
        of: "ListProducts(20)",
        percent: 60.0,
    },
    Aim {
        what: "PlaceOrder as JSON of gRPC",
        rate: "POST /api/orders",
        of: "PlaceOrder",
        percent: 60.0,
    },
];

const COLD_START_MS: f64 = 300.0;
const IDLE_MIB: f64 = 40.0;
/// How much slower the slowest reads may be while passwords are hashed.
const BESIDE_LOGINS: f64 = 3.0;

impl Report {
    fn rate(&self, name: &str) -> Option<f64> {
        let line = self.lines.iter().find(|line| line.name == name)?;
        Some(line.rate)
    }

    fn p99(&self, name: &str) -> Option<Duration> {
        let line = self.lines.iter().find(|line| line.name == name)?;
        Some(line.latency?.1)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n", self.database)?;
        writeln!(
            f,
            "| call | requests/s | p50 ms | p99 ms | server CPU s per 1,000 |"
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: |")?;
        for line in &self.lines {
            let (p50, p99) = line.latency.unzip();
            let (p50, p99) = (cell(p50.map(millis), 2), cell(p99.map(millis), 2));
            let (name, rate, cpu) = (&line.name, line.rate, cell(line.cpu, 3));
            writeln!(f, "| {name} | {rate:.0} | {p50} | {p99} | {cpu} |")?;
        }
        writeln!(f, "\n| aim | reached | |\n| --- | ---: | --- |")?;
        for aim in &AIMS {
            if let (Some(rate), Some(of)) = (self.rate(aim.rate), self.rate(aim.of)) {
                let reached = rate * 100.0 / of;
                let met = verdict(reached >= aim.percent);
                let Aim { what, percent, .. } = aim;
                writeln!(f, "| {what} ≥ {percent:.0} % | {reached:.0} % | {met} |")?;
            }
        }
        if let (Some(quiet), Some(beside)) = (self.p99(QUIET), self.p99(BESIDE)) {
            let times = millis(beside) / millis(quiet);
            let met = verdict(times <= BESIDE_LOGINS);
            writeln!(
                f,
                "| p99 of GetProduct beside 50 logins ≤ {BESIDE_LOGINS:.0} × alone | {times:.1} × | {met} |"
            )?;
        }
        let cold = millis(self.cold_start);
        let met = verdict(cold <= COLD_START_MS);
        writeln!(
            f,
            "| cold start ≤ {COLD_START_MS:.0} ms | {cold:.0} ms | {met} |"
        )?;
        let met = verdict(self.idle <= IDLE_MIB);
        let (idle, loaded) = (self.idle, self.loaded);
        writeln!(
            f,
            "| idle memory ≤ {IDLE_MIB:.0} MiB | {idle:.0} MiB | {met} |"
        )?;
        writeln!(f, "| memory after the load | {loaded:.0} MiB | |")
    }
}

/// A number, or a dash.
fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
