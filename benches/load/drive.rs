//! Closed-loop load: each task sends its next request when the last one is answered.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::rig::usage;

/// How one kind of request went.
#[derive(Debug, Clone)]
pub struct Measured {
    pub name: String,
    /// Requests per second.
    pub rate: f64,
    /// The middle and the slowest hundredth; unset where only the rate is known.
    pub latency: Option<(Duration, Duration)>,
    /// CPU seconds of the server per 1,000 requests, the database's own not among them.
    pub cpu: Option<f64>,
}

/// How hard and how long to drive.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub tasks: usize,
    pub warm_up: Duration,
    pub time: Duration,
}

/// Drives the requests that `sender` makes, one sender per task, against the process
/// `pid`. A request that fails ends the run: a rate of errors is no rate.
pub async fn drive<S, Fut>(
    name: &str,
    pid: u32,
    effort: Effort,
    mut sender: impl FnMut(usize) -> S,
) -> Measured
where
    S: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let began = Instant::now() + effort.warm_up;
    let end = began + effort.time;
    let mut tasks = JoinSet::new();
    for task in 0..effort.tasks {
        let mut send = sender(task);
        tasks.spawn(async move {
            let mut took = Vec::new();
            loop {
                let sent = Instant::now();
                if sent >= end {
                    return took;
                }
                send().await;
                if sent >= began {
                    took.push(sent.elapsed());
                }
            }
        });
    }
    tokio::time::sleep_until(began.into()).await;
    let before = usage::cpu(pid);
    tokio::time::sleep_until(end.into()).await;
    let cpu = usage::cpu(pid) - before;
    let mut took: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    took.sort_unstable();
    let count = took.len() as f64;
    Measured {
        name: name.to_owned(),
        rate: count / effort.time.as_secs_f64(),
        latency: Some((took[took.len() / 2], took[took.len() * 99 / 100])),
        cpu: Some(cpu.as_secs_f64() * 1000.0 / count),
    }
}
