//! What operators do about jobs.

use super::*;

async fn retry_dead(db: &Db, kind: Option<&str>, queue: Option<&str>, limit: u32) -> usize {
    db.transact(|tx| async move { store::retry_dead(&tx, kind, queue, limit).await })
        .await
        .unwrap()
}

async fn cancel(db: &Db, id: JobId) -> Result<Job> {
    db.transact(|tx| async move { store::cancel(&tx, id).await })
        .await
}

/// A worker to whose kinds nothing but failure happens.
fn hopeless(db: &Db) -> Jobs {
    let refuse = |_run| async { Err(Error::new(Reason::InvalidPhone, "no").permanently()) };
    let registry = Registry::new()
        .register("work", refuse)
        .register("other", refuse);
    Jobs::new(db.clone(), registry, quiet())
}

async fn dead(db: &Db) -> usize {
    let dead = Filter {
        state: Some(State::Dead),
        ..Filter::default()
    };
    list(db, &dead, Start::First, 100).await.len()
}

#[tokio::test]
async fn dead_jobs_are_retried_by_kind_and_queue_a_bounded_number_at_a_time() {
    on_each(clock(), |db| async move {
        for queue in ["test", "side"] {
            for kind in ["work", "work", "other"] {
                enqueue(&db, NewJob::new(queue, kind, "{}".to_owned())).await;
            }
        }
        hopeless(&db).run_due().await.unwrap();
        assert_eq!(dead(&db).await, 6);
        assert_eq!(retry_dead(&db, Some("unknown"), None, 100).await, 0);
        assert_eq!(retry_dead(&db, Some("other"), Some("side"), 100).await, 1);
        assert_eq!(retry_dead(&db, Some("work"), None, 3).await, 3);
        assert_eq!(dead(&db).await, 2);
        assert_eq!(retry_dead(&db, None, None, 100).await, 2);
        let runs = Arc::new(AtomicI32::new(0));
        let worker = Jobs::new(db.clone(), failing(&runs, 0), quiet());
        assert_eq!(worker.run_due().await.unwrap(), 4);
    })
    .await;
}

#[tokio::test]
async fn of_dead_twins_the_last_is_retried_and_none_while_the_same_work_waits() {
    on_each(clock(), |db| async move {
        let keyed = || NewJob {
            dedupe_key: Some("one".to_owned()),
            ..new("work")
        };
        for _ in 0..2 {
            enqueue(&db, keyed()).await;
            hopeless(&db).run_due().await.unwrap();
            db.clock().advance(Duration::from_secs(1));
        }
        let waiting = enqueue(&db, keyed()).await;
        assert_eq!(retry_dead(&db, None, None, 100).await, 0);
        cancel(&db, waiting).await.unwrap();
        assert_eq!(retry_dead(&db, None, None, 100).await, 1);
        assert_eq!((dead(&db).await, jobs(&db).await.len()), (1, 2));
    })
    .await;
}

#[tokio::test]
async fn what_waits_or_is_dead_can_be_cancelled_and_never_runs() {
    on_each(clock(), |db| async move {
        let waiting = enqueue(&db, new("work")).await;
        let gone = cancel(&db, waiting).await.unwrap();
        assert_eq!((gone.id, gone.state), (waiting, State::Pending));
        let again = cancel(&db, waiting).await.unwrap_err();
        assert_eq!(again.reason(), Reason::NotFound);
        assert_eq!(hopeless(&db).run_due().await.unwrap(), 0);

        let doomed = enqueue(&db, new("work")).await;
        hopeless(&db).run_due().await.unwrap();
        assert_eq!(cancel(&db, doomed).await.unwrap().state, State::Dead);
        assert!(jobs(&db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_runs_or_is_done_cannot_be_cancelled() {
    on_each(clock(), |db| async move {
        let refused = Arc::new(Mutex::new(None));
        let (base, seen) = (db.clone(), refused.clone());
        let registry = Registry::new().register("work", move |run| {
            let (base, seen) = (base.clone(), seen.clone());
            async move {
                let refusal = cancel(&base, run.id).await.unwrap_err();
                *seen.lock().unwrap() = Some(refusal.reason());
                Ok(())
            }
        });
        let id = enqueue(&db, new("work")).await;
        let worker = Jobs::new(db.clone(), registry, quiet());
        worker.run_due().await.unwrap();
        assert_eq!(*refused.lock().unwrap(), Some(Reason::JobNotCancellable));
        let done = cancel(&db, id).await.unwrap_err();
        assert_eq!(done.reason(), Reason::JobNotCancellable);
        assert_eq!(the_job(&db).await.state, State::Done);
    })
    .await;
}

#[tokio::test]
async fn queues_tell_what_waits_runs_and_is_dead() {
    on_each(clock(), |db| async move {
        enqueue(&db, NewJob::new("side", "work", "{}".to_owned())).await;
        hopeless(&db).run_due().await.unwrap();
        let counted = Arc::new(Mutex::new(Vec::new()));
        let (base, seen) = (db.clone(), counted.clone());
        let registry = Registry::new().register("look", move |_run| {
            let (base, seen) = (base.clone(), seen.clone());
            async move {
                *seen.lock().unwrap() = store::queues(&base).await?;
                Ok(())
            }
        });
        enqueue(&db, new("look")).await;
        enqueue(&db, new("of another process")).await;
        let delay = Duration::from_secs(60);
        enqueue(
            &db,
            NewJob {
                delay,
                ..new("look")
            },
        )
        .await;
        let due = db.clock().now();
        db.clock().advance(Duration::from_secs(7));
        let worker = Jobs::new(db.clone(), registry, quiet());
        assert_eq!(worker.run_due().await.unwrap(), 1);
        let queues = counted.lock().unwrap().clone();
        let queue = |name: &str, pending, waits: bool, running, dead| store::QueueCounts {
            name: name.to_owned(),
            pending,
            due: i64::from(waits),
            oldest_due: waits.then_some(due),
            running,
            dead,
        };
        let expected = [queue("side", 0, false, 0, 1), queue("test", 2, true, 1, 0)];
        assert_eq!(queues, expected);
        let age = queues[1].oldest_due_age(db.clock().now());
        assert_eq!(age, Duration::from_secs(7));
    })
    .await;
}
