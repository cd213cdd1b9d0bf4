//! One try at a job: it runs while its lease can be renewed, and what it came to is
//! recorded.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use super::metrics;
use super::registry::Run;
use super::store::lease::{self, Claimed, Verdict};
use super::worker::Jobs;
use crate::kernel::{Error, Result, random, trace};

/// Characters of an error that a job keeps.
const ERROR_CHARS: usize = 500;

/// Why a try failed, and what that means for the next one.
struct Failure {
    reason: String,
    /// The outside world asked for this pause.
    wait: Option<Duration>,
    /// No further try can succeed.
    is_permanent: bool,
}

impl Failure {
    fn of(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            wait: None,
            is_permanent: false,
        }
    }
}

/// What one try at a job came to.
enum Outcome {
    Done,
    Failed(Failure),
    /// The process stops and the try takes too long.
    CutShort,
    /// Another worker has the job; nothing may be recorded.
    Lost,
}

impl Jobs {
    /// Makes one try and records what it came to.
    pub(super) async fn run(&self, claimed: Claimed) {
        self.under_way().insert(claimed.id);
        self.try_once(&claimed).await;
        self.under_way().remove(&claimed.id);
    }

    async fn try_once(&self, claimed: &Claimed) {
        let started = Instant::now();
        let completed = Arc::new(AtomicBool::new(false));
        let span = tracing::trace_span!(
            target: trace::SPANS,
            "job",
            otel.name = claimed.kind,
            otel.kind = "consumer",
            job.id = %claimed.id,
            job.attempt = claimed.attempt,
        );
        let attempt = self.attempt(claimed, completed.clone());
        let outcome = attempt.instrument(span).await;
        let took = started.elapsed();
        let duration_ms = took.as_millis() as u64;
        let verdict = self.judge(claimed, outcome, duration_ms);
        let Claimed {
            id, kind, attempt, ..
        } = claimed;
        let Some(verdict) = &verdict else {
            tracing::warn!(kind, %id, attempt, duration_ms, "job taken over meanwhile");
            return;
        };
        let completed = completed.load(Ordering::SeqCst);
        match self.record(claimed, verdict, completed).await {
            Ok(true) => {
                metrics::tried(kind, verdict, took);
                if matches!(verdict, Verdict::GivenBack) {
                    self.0.given_back.fetch_add(1, Ordering::SeqCst);
                }
            }
            Ok(false) => {
                tracing::warn!(kind, %id, attempt, "job taken over meanwhile, outcome dropped");
            }
            // The lease runs out and the job runs again: at least once.
            Err(error) => {
                tracing::error!(kind, %id, attempt, error = ?error, "outcome not recorded");
            }
        }
    }

    /// Records what a try came to, unless its handler did so in the transaction of its
    /// effect. False when the job belongs to another try by now.
    async fn record(&self, tried: &Claimed, verdict: &Verdict, completed: bool) -> Result<bool> {
        let (id, attempt) = (tried.id, tried.attempt);
        if completed && lease::is_done(&self.0.db, id, attempt).await? {
            return Ok(true);
        }
        let key = tried.order_key.as_deref();
        let finish =
            |tx: crate::db::Tx| async move { lease::finish(&tx, id, attempt, key, verdict).await };
        self.0.db.transact(finish).await
    }

    /// What is to be recorded of a try, if anything.
    fn judge(&self, claimed: &Claimed, outcome: Outcome, duration_ms: u64) -> Option<Verdict> {
        let Claimed {
            id, kind, attempt, ..
        } = claimed;
        Some(match outcome {
            Outcome::Done => {
                tracing::debug!(kind, %id, attempt, duration_ms, "job done");
                Verdict::Done
            }
            Outcome::Failed(Failure {
                reason,
                wait,
                is_permanent: false,
            }) if *attempt < claimed.max_attempts => {
                tracing::warn!(kind, %id, attempt, duration_ms, reason, "job failed");
                let next = self.0.db.clock().now() + self.pause(*attempt, wait);
                Verdict::Again(next, reason)
            }
            Outcome::Failed(Failure { reason, .. }) => {
                tracing::error!(kind, %id, attempt, duration_ms, reason, "job is dead");
                Verdict::Dead(reason)
            }
            Outcome::CutShort => {
                tracing::warn!(kind, %id, attempt, duration_ms, "job given back");
                Verdict::GivenBack
            }
            Outcome::Lost => return None,
        })
    }

    /// Runs the handler while it lives and its lease can be renewed.
    async fn attempt(&self, claimed: &Claimed, completed: Arc<AtomicBool>) -> Outcome {
        let Some(handler) = self.0.registry.handler(&claimed.kind) else {
            return Outcome::Failed(Failure::of("no code for this kind of job"));
        };
        let run = Run {
            id: claimed.id,
            attempt: claimed.attempt,
            payload: claimed.payload.clone(),
            stopping: self.0.stopping.clone(),
            order_key: claimed.order_key.clone(),
            completed: completed.clone(),
        };
        let work = AssertUnwindSafe(async move { handler(run).await }).catch_unwind();
        let work = tokio::time::timeout(self.0.config.max_run, work);
        // The handler goes on while its lease is renewed: it may hold what that waits for.
        tokio::select! {
            ended = work => match ended {
                Ok(Ok(Ok(()))) => Outcome::Done,
                Ok(Ok(Err(error))) => Outcome::Failed(failure(claimed, &error)),
                // The panic itself is in the log, from the hook.
                Ok(Err(_panic)) => Outcome::Failed(Failure::of("the handler panicked")),
                Err(_elapsed) => Outcome::Failed(Failure::of("the handler took too long")),
            },
            () = self.0.give_back.cancelled() => Outcome::CutShort,
            () = self.keep_lease(claimed, &completed) => Outcome::Lost,
        }
    }

    /// Renews the lease again and again; ends when the job belongs to another try.
    async fn keep_lease(&self, claimed: &Claimed, completed: &AtomicBool) {
        loop {
            tokio::time::sleep(claimed.lease / 3).await;
            // A job that its handler completed has no lease any more, and is not lost.
            if !self.renew(claimed).await && !completed.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    async fn renew(&self, claimed: &Claimed) -> bool {
        let renew = |tx: crate::db::Tx| async move {
            // By the time at which it began, which it may have waited for.
            let until = tx.now() + claimed.lease;
            lease::renew(&tx, claimed.id, claimed.attempt, until).await
        };
        self.0.db.transact(renew).await.unwrap_or_else(|error| {
            // The next renewal may work; the attempt number guards what is written.
            tracing::warn!(id = %claimed.id, error = ?error, "lease not renewed");
            true
        })
    }

    /// How long to wait after failure number `attempt`; at least what the outside world
    /// asked for, within the longest pause.
    fn pause(&self, attempt: i32, asked: Option<Duration>) -> Duration {
        let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(30);
        let config = &self.0.config;
        let pause = config.backoff.saturating_mul(1 << doublings);
        let pause = Ord::max(pause, asked.unwrap_or_default());
        let pause = Ord::min(pause, config.max_backoff);
        // Spread, so that jobs which failed together do not come back together.
        pause + pause.mul_f64(f64::from(random::below(1000)) / 4000.0)
    }
}

/// What operators see of a failure. The whole chain goes to the log only: it may hold
/// text of the database.
fn failure(claimed: &Claimed, error: &Error) -> Failure {
    tracing::debug!(id = %claimed.id, error = ?error, "handler failed");
    Failure {
        reason: error.to_string().chars().take(ERROR_CHARS).collect(),
        wait: error.retry_delay(),
        is_permanent: error.is_permanent(),
    }
}
