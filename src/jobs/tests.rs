mod drain;
mod effects;
mod failures;
mod leases;
mod measures;
mod order;
mod plans;
mod repair;
mod retention;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::store::lease::{self, Level};
use super::{Filter, Job, Jobs, JobsConfig, Registry, State, register_purges, store};
use crate::db::testing::on_each;
use crate::db::{Db, NewJob};
use crate::kernel::id::JobId;
use crate::kernel::page::{PageRequest, Start};
use crate::kernel::task::Tasks;
use crate::kernel::{Call, Clock, Error, Idempotency, Reason, Result, Time};

fn clock() -> Clock {
    Clock::manual(Time::from_micros(1_800_000_000_000_000))
}

fn new(kind: &'static str) -> NewJob {
    NewJob::new("test", kind, "{}".to_owned())
}

async fn enqueue(db: &Db, job: NewJob) -> JobId {
    let job = &job;
    db.transact(|tx| async move { Ok(tx.enqueue(job.clone())) })
        .await
        .unwrap()
}

async fn jobs(db: &Db) -> Vec<Job> {
    list(db, &Filter::default(), Start::First, 100).await
}

async fn list(db: &Db, filter: &Filter, start: Start, limit: u64) -> Vec<Job> {
    let page = PageRequest { limit, start };
    store::list(db, filter, &page).await.unwrap().items
}

async fn the_job(db: &Db) -> Job {
    let mut jobs = jobs(db).await;
    assert_eq!(jobs.len(), 1);
    jobs.remove(0)
}

fn quiet() -> JobsConfig {
    JobsConfig::default()
}

/// Counts runs and refuses the first `failures` of them.
fn failing(counter: &Arc<AtomicI32>, failures: i32) -> Registry {
    let counter = counter.clone();
    Registry::new().register("work", move |_run| {
        let run = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            if run < failures {
                return Err(Error::new(Reason::Unavailable, "away"));
            }
            Ok(())
        }
    })
}

#[tokio::test]
async fn two_workers_run_many_jobs_once_each() {
    on_each(clock(), |db| async move {
        const MANY: usize = 300;
        let runs = Arc::new(Mutex::new(HashMap::<JobId, u32>::new()));
        let done = Arc::new(Semaphore::new(0));
        let (tasks, counted, signal) = (Tasks::default(), runs.clone(), done.clone());
        let registry = Registry::new().register("work", move |run| {
            *counted.lock().unwrap().entry(run.id).or_default() += 1;
            signal.add_permits(1);
            async { Ok(()) }
        });
        for _ in 0..2 {
            Jobs::start(db.clone(), registry.clone(), &tasks, quiet());
        }
        for _ in 0..MANY / 50 {
            db.transact(|tx| async move {
                for _ in 0..50 {
                    tx.enqueue(new("work"));
                }
                Ok(())
            })
            .await
            .unwrap();
        }
        let all = done.acquire_many(MANY as u32);
        drop(
            tokio::time::timeout(Duration::from_secs(60), all)
                .await
                .unwrap(),
        );
        assert!(tasks.stop(Duration::from_secs(10)).await);
        assert_eq!(
            Jobs::new(db.clone(), registry, quiet())
                .run_due()
                .await
                .unwrap(),
            0
        );
        let runs = runs.lock().unwrap().clone();
        assert_eq!(runs.len(), MANY);
        assert!(runs.values().all(|count| *count == 1));
    })
    .await;
}

#[tokio::test]
async fn stopping_waits_for_the_job_that_runs() {
    on_each(clock(), |db| async move {
        let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begun, wait) = (started.clone(), go_on.clone());
        let registry = Registry::new().register("work", move |_run| {
            let (begun, wait) = (begun.clone(), wait.clone());
            async move {
                begun.notify_one();
                wait.notified().await;
                Ok(())
            }
        });
        let tasks = Tasks::default();
        Jobs::start(db.clone(), registry, &tasks, quiet());
        enqueue(&db, new("work")).await;
        started.notified().await;
        let (stopped, ()) = tokio::join!(tasks.stop(Duration::from_secs(10)), async {
            go_on.notify_one();
        });
        assert!(stopped);
        assert_eq!(the_job(&db).await.state, State::Done);
    })
    .await;
}

#[tokio::test]
async fn a_rollback_leaves_no_job_and_a_taken_dedupe_key_adds_none() {
    on_each(clock(), |db| async move {
        let refused: Result<()> = db
            .transact(|tx| async move {
                tx.enqueue(new("work"));
                Err(Error::forbidden("no"))
            })
            .await;
        assert!(refused.is_err());
        assert!(jobs(&db).await.is_empty());
        let keyed = || NewJob {
            dedupe_key: Some("one".to_owned()),
            ..new("work")
        };
        enqueue(&db, keyed()).await;
        enqueue(&db, keyed()).await;
        assert_eq!(jobs(&db).await.len(), 1);
        let runs = Arc::new(AtomicI32::new(0));
        let worker = Jobs::new(db.clone(), failing(&runs, 0), quiet());
        assert_eq!(worker.run_due().await.unwrap(), 1);
        enqueue(&db, keyed()).await;
        assert_eq!(jobs(&db).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn failures_wait_with_growing_pauses_that_survive_a_restart() {
    on_each(clock(), |db| async move {
        let runs = Arc::new(AtomicI32::new(0));
        enqueue(
            &db,
            NewJob {
                max_attempts: 5,
                ..new("work")
            },
        )
        .await;
        for (attempt, pause) in [(1, 2_000), (2, 4_000), (3, 8_000)] {
            // Each try is another process's.
            let worker = Jobs::new(db.clone(), failing(&runs, 3), quiet());
            assert_eq!(worker.run_due().await.unwrap(), 1);
            let job = the_job(&db).await;
            assert_eq!((job.state, job.attempts), (State::Pending, attempt));
            assert_eq!(job.last_error.as_deref(), Some("UNAVAILABLE: away"));
            let waits = job.run_at.since(db.clock().now()).as_millis();
            assert!((pause..=pause * 5 / 4).contains(&waits), "{waits}");
            assert_eq!(worker.run_due().await.unwrap(), 0);
            db.clock().advance(Duration::from_millis(waits as u64 + 1));
        }
        let worker = Jobs::new(db.clone(), failing(&runs, 3), quiet());
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(the_job(&db).await.state, State::Done);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_keeps_failing_is_parked_and_can_be_retried() {
    on_each(clock(), |db| async move {
        let runs = Arc::new(AtomicI32::new(0));
        let worker = Jobs::new(db.clone(), failing(&runs, 3), quiet());
        let id = enqueue(&db, new("work")).await;
        let retry = || db.transact(|tx| async move { store::retry(&tx, id).await });
        assert_eq!(retry().await.unwrap_err().reason(), Reason::JobNotRetryable);
        for _ in 0..3 {
            assert_eq!(worker.run_due().await.unwrap(), 1);
            db.clock().advance(Duration::from_secs(60));
        }
        let dead = the_job(&db).await;
        assert_eq!((dead.state, dead.attempts), (State::Dead, 3));
        assert!(dead.last_error.is_some() && dead.finished_at.is_some());
        assert_eq!(worker.run_due().await.unwrap(), 0);
        let retried = retry().await.unwrap();
        assert_eq!((retried.state, retried.max_attempts), (State::Pending, 6));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(the_job(&db).await.state, State::Done);
        let missing = JobId::new(db.clock().now());
        let unknown = db
            .transact(|tx| async move { store::retry(&tx, missing).await })
            .await;
        assert_eq!(unknown.unwrap_err().reason(), Reason::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_panic_of_a_handler_is_a_failure_like_any_other() {
    on_each(clock(), |db| async move {
        let registry = Registry::new().register("work", |_run| async {
            panic!("as the test wishes");
        });
        let worker = Jobs::new(db.clone(), registry, quiet());
        enqueue(&db, new("work")).await;
        assert_eq!(worker.run_due().await.unwrap(), 1);
        let job = the_job(&db).await;
        assert_eq!(job.state, State::Pending);
        assert_eq!(job.last_error.as_deref(), Some("the handler panicked"));
    })
    .await;
}

#[tokio::test]
async fn of_two_processes_one_enqueues_each_recurring_run() {
    on_each(clock(), |db| async move {
        const HOUR: Duration = Duration::from_secs(3600);
        let runs = Arc::new(AtomicI32::new(0));
        let process = || {
            let registry = failing(&runs, 0).every("sweep", HOUR, "test", "work");
            Jobs::new(db.clone(), registry, quiet())
        };
        let (here, there) = (process(), process());
        for hour in 1..=3 {
            let (left, right) = tokio::join!(here.run_due(), there.run_due());
            assert_eq!(left.unwrap() + right.unwrap(), 1);
            assert_eq!(runs.load(Ordering::SeqCst), hour);
            assert_eq!(here.run_due().await.unwrap(), 0);
            db.clock().advance(HOUR);
        }
        // A day without a process is not made up for.
        db.clock().advance(HOUR * 24);
        assert_eq!(here.run_due().await.unwrap(), 1);
        assert_eq!(there.run_due().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn urgent_jobs_go_first_and_unknown_kinds_are_left_to_others() {
    on_each(clock(), |db| async move {
        let order = Arc::new(Mutex::new(Vec::new()));
        let seen = order.clone();
        let registry = Registry::new().register("work", move |run| {
            seen.lock().unwrap().push(run.payload);
            async { Ok(()) }
        });
        for (payload, priority) in [("late", 5), ("soon", 0), ("first", -1)] {
            let job = NewJob::new("test", "work", payload.to_owned());
            enqueue(&db, NewJob { priority, ..job }).await;
        }
        enqueue(&db, new("of a newer release")).await;
        let delayed = Duration::from_secs(10);
        enqueue(
            &db,
            NewJob {
                delay: delayed,
                ..new("work")
            },
        )
        .await;
        let worker = Jobs::new(db.clone(), registry, quiet());
        assert_eq!(worker.run_due().await.unwrap(), 3);
        assert_eq!(*order.lock().unwrap(), ["first", "soon", "late"]);
        db.clock().advance(delayed);
        assert_eq!(worker.run_due().await.unwrap(), 1);
    })
    .await;
}
