//! One fault: how things were before, during and after.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use souk::pb::souk::ops::v1::{CheckLivenessRequest, CheckReadinessRequest};
use tokio_util::sync::CancellationToken;

use crate::faults::{Fate, Fault, RECOVERY};
use crate::load::{Call, Class, DEADLINE, Log, TOO_LATE, run};
use crate::rig::{Caller, pause};
use crate::town::Town;

/// How long all is well before the fault.
const BEFORE: Duration = Duration::from_secs(2);
/// Calls of the last moment before the fault may meet it.
const LAST: Duration = Duration::from_millis(500);
/// Within this, what is refused is refused quickly, and readiness has turned.
const NOTICED: Duration = Duration::from_secs(5);
/// How long it is watched after that.
const AFTER: Duration = Duration::from_secs(2);
/// By then the fault has been noticed, and calls of before are over.
const SETTLED: Duration = Duration::from_secs(2);
/// Refusals take no longer than this, with half a second for a busy machine.
const REFUSAL: Duration = Duration::from_millis(2_500);
/// How much longer than three times the quiet tail a call that works may take: a reader
/// may give two stale values a quarter of a second each to be loaded anew.
const NOISE: Duration = Duration::from_secs(1);
/// The reason of a picture for which its owner has no place left.
const FULL: &str = "RATE_LIMIT_EXCEEDED";
/// A call ends at its deadline; this much more is the test's own.
const OVER: Duration = Duration::from_millis(600);

/// What was seen of one class.
struct Row {
    class: Class,
    fate: Fate,
    before: Vec<Call>,
    during: Vec<Call>,
    noticed: Vec<Call>,
    after: Vec<Call>,
}

pub struct Trial {
    fault: Fault,
    rows: Vec<Row>,
    /// When the first process said that it is not ready, since the fault began.
    red: Option<Duration>,
    /// When all were ready again, since it ended.
    green: Option<Duration>,
    always_alive: bool,
}

/// What the processes say of themselves.
#[derive(Default)]
struct Signs {
    ready: Vec<(Instant, bool)>,
    dead: bool,
}

pub async fn hold(town: &mut Town, fault: Fault, lasts: Duration) -> Trial {
    let (log, stop) = (Log::default(), CancellationToken::new());
    let callers: Vec<Caller> = town
        .souks
        .iter()
        .map(|it| Caller::alert(&it.url()))
        .collect();
    let shop = town.shop.at(&town.souks[0].url());
    let load = run(callers.clone(), &shop, log.clone(), stop.clone());
    let signs = observe(&callers, stop.clone());
    let story = async {
        pause(BEFORE).await;
        let began = Instant::now();
        let held = fault.begin(town).await;
        pause(lasts).await;
        fault.end(town, held).await;
        let ended = Instant::now();
        let slowest = Class::ALL.map(|class| fault.recovery(class));
        pause(slowest.into_iter().max().unwrap_or(RECOVERY) + AFTER).await;
        stop.cancel();
        (began, ended)
    };
    let ((), signs, (began, ended)) = tokio::join!(load, signs, story);
    let over = Instant::now();
    let rows = Class::ALL.map(|class| Row {
        class,
        fate: fault.fate(class),
        before: log.of(class, began - BEFORE, began - LAST),
        during: log.of(class, began, ended),
        noticed: log.of(class, began + SETTLED, ended - REFUSAL),
        after: log.of(class, ended + fault.recovery(class), over),
    });
    let since = |from: Instant, ready: bool| {
        let mut seen = signs.ready.iter().filter(|(at, _)| *at >= from);
        let first = seen.find(|(_, it)| *it == ready);
        first.map(|(at, _)| at.saturating_duration_since(from))
    };
    Trial {
        fault,
        rows: rows.into(),
        red: since(began, false).filter(|red| began + *red < ended),
        green: since(ended, true),
        always_alive: !signs.dead,
    }
}

/// Asks every process five times a second whether it lives and is ready.
async fn observe(callers: &[Caller], stop: CancellationToken) -> Signs {
    let mut signs = Signs::default();
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let mut ready = true;
        for caller in callers {
            let mut ops = caller.ops();
            ready &= ops.check_readiness(CheckReadinessRequest {}).await.is_ok();
            signs.dead |= ops.check_liveness(CheckLivenessRequest {}).await.is_err();
        }
        signs.ready.push((Instant::now(), ready));
    }
    signs
}

impl Trial {
    /// What is not as it is written down.
    pub fn breaches(&self) -> Vec<String> {
        let mut found: Vec<String> = self.rows.iter().flat_map(Row::breaches).collect();
        if !self.always_alive {
            found.push("a process seemed dead".to_owned());
        }
        match (self.fault.turns_readiness_red(), self.red) {
            (true, None) => found.push("readiness never turned red".to_owned()),
            (true, Some(red)) if red > NOTICED => found.push(format!("red after {red:?}")),
            (false, Some(red)) => found.push(format!("red after {red:?}, for no reason")),
            _ => {}
        }
        if self.green.is_none_or(|green| green > RECOVERY) {
            found.push(format!("green after {:?}", self.green));
        }
        let fault = self.fault;
        found
            .into_iter()
            .map(|it| format!("{fault:?}: {it}"))
            .collect()
    }
}

impl Row {
    fn breaches(&self) -> Vec<String> {
        let class = self.class;
        let mut found = Vec::new();
        let mut refuse = |calls: &[Call], what: &str, allowed: &dyn Fn(&Call) -> bool| {
            let wrong: Vec<&Call> = calls.iter().filter(|it| !allowed(it)).collect();
            if let Some(first) = wrong.first() {
                let (all, wrong) = (calls.len(), wrong.len());
                found.push(format!(
                    "{class:?}: {wrong} of {all} {what}, such as {first:?}"
                ));
            }
        };
        let works = |it: &Call| it.outcome.is_ok();
        refuse(&self.before, "failed before", &works);
        refuse(&self.after, "failed after", &works);
        refuse(&self.during, "outlasted their deadline", &|it| {
            it.took <= DEADLINE + OVER
        });
        match self.fate {
            Fate::Works => refuse(&self.during, "failed", &works),
            Fate::Refused => refuse(&self.noticed, "were not refused quickly", &|it| {
                it.outcome == Err("UNAVAILABLE".to_owned()) && it.took <= REFUSAL
            }),
            Fate::Either => refuse(&self.during, "failed otherwise", &|it| match &it.outcome {
                Ok(()) => true,
                // One user sends two pictures at once: more wait for those that hang.
                Err(reason) if class == Class::Picture && reason == FULL => true,
                Err(reason) => ["UNAVAILABLE", "CONFLICT", TOO_LATE].contains(&reason.as_str()),
            }),
        }
        if self.fate == Fate::Works {
            let (before, during) = (p99(&self.before), p99(&self.during));
            if during > before * 3 + NOISE {
                found.push(format!("{class:?}: p99 {during:?} after {before:?}"));
            }
        }
        found
    }
}

fn p99(calls: &[Call]) -> Duration {
    let mut times: Vec<Duration> = calls.iter().map(|it| it.took).collect();
    times.sort_unstable();
    times
        .get(times.len() * 99 / 100)
        .copied()
        .unwrap_or_default()
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}: red {:.1?}, green {:.1?}",
            self.fault, self.red, self.green
        )?;
        for row in &self.rows {
            let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
            for call in &row.during {
                let outcome = call.outcome.as_ref().err().map_or("ok", |it| it);
                *outcomes.entry(outcome).or_default() += 1;
            }
            let (before, during) = (p99(&row.before), p99(&row.during));
            let class = row.class;
            write!(
                f,
                "\n  {class:?}: {outcomes:?}, p99 {before:.0?} then {during:.0?}"
            )?;
        }
        Ok(())
    }
}
