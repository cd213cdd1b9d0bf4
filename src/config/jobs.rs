//! Background work: who runs it, how much at once, and how long it is remembered.

use std::collections::HashMap;
use std::time::Duration;

use super::read::Reader;
use crate::jobs::{DONE_KEPT, JobsConfig};

/// Jobs of one queue that a process may run at once, at the most.
const CONCURRENCY_MOST: usize = 1_000;

/// Background work.
#[derive(Debug, Clone)]
pub struct Jobs {
    /// Whether a process that serves runs jobs too; `souk worker` does in any case.
    pub beside_serving: bool,
    /// How they run.
    pub config: JobsConfig,
    /// How long those that succeeded are kept.
    pub done_kept: Duration,
}

pub(super) fn read(reader: &mut Reader) -> Jobs {
    let usual = JobsConfig::default();
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let days = |days: u64| Duration::from_secs(24 * 60 * 60 * days);
    let lease = reader.with(
        ("JOBS_LEASE", "jobs.lease"),
        usual.lease,
        "a span from 3s to 1h",
        |text| {
            let lease = super::read::span(text)?;
            (Duration::from_secs(3)..=minutes(60))
                .contains(&lease)
                .then_some(lease)
        },
    );
    Jobs {
        beside_serving: reader.flag(("JOBS", "jobs.on"), true),
        config: JobsConfig {
            poll: reader.span(("JOBS_POLL", "jobs.poll"), usual.poll, minutes(1)),
            lease,
            concurrency: reader.number(
                ("JOBS_CONCURRENCY", "jobs.concurrency"),
                usual.concurrency,
                1,
                CONCURRENCY_MOST,
            ),
            queues: reader.with(
                ("JOBS_QUEUES", "jobs.queues"),
                usual.queues.clone(),
                "queues and how many of their jobs run at once, such as sms=8,mail=4",
                queues,
            ),
            ..usual
        },
        done_kept: reader.span(("JOBS_DONE_KEPT", "jobs.done_kept"), DONE_KEPT, days(365)),
    }
}

/// `sms=8,mail=4`: each queue once, with a number that is not zero.
fn queues(text: &str) -> Option<HashMap<String, usize>> {
    let mut queues = HashMap::new();
    for item in text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let (name, number) = item.split_once('=')?;
        let (name, number) = (name.trim(), number.trim().parse().ok()?);
        let is_new = queues.insert(name.to_owned(), number).is_none();
        if name.is_empty() || !is_new || !(1..=CONCURRENCY_MOST).contains(&number) {
            return None;
        }
    }
    Some(queues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_named_once_each_with_a_number_above_zero() {
        let two = HashMap::from([("sms".to_owned(), 8), ("mail".to_owned(), 4)]);
        assert_eq!(queues("sms=8, mail = 4,"), Some(two));
        for wrong in [
            "sms",
            "sms=",
            "sms=0",
            "sms=-1",
            "=8",
            "sms=8,sms=4",
            "sms=1001",
        ] {
            assert_eq!(queues(wrong), None, "{wrong}");
        }
    }
}
