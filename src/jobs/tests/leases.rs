//! Who holds a job, for how long, and what becomes of one whose worker vanished.

use super::*;
use crate::jobs::store::abandoned;

/// A worker claims a job and is not heard of again until its lease is over. Says how many
/// jobs it got.
pub(super) async fn vanish(db: &Db) -> usize {
    let level = &Level {
        queue: "test".to_owned(),
        priority: 0,
    };
    let lease = lease::Lease {
        owner: "gone",
        lasts: Duration::from_secs(60),
    };
    let ids = &abandoned::find(db).await.unwrap();
    let claimed = db
        .transact(|tx| async move {
            abandoned::recover(&tx, ids).await?;
            lease::claim(&tx, level, &["work"], 1, lease).await
        })
        .await
        .unwrap();
    db.clock().advance(Duration::from_secs(61));
    claimed.len()
}

#[tokio::test]
async fn a_worker_that_sleeps_through_its_lease_can_change_nothing() {
    on_each(clock(), |db| async move {
        let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let refused = Arc::new(Mutex::new(None));
        let (begun, wait, seen, base) =
            (started.clone(), go_on.clone(), refused.clone(), db.clone());
        let slow = Registry::new().register("work", move |run| {
            let (begun, wait) = (begun.clone(), wait.clone());
            let (seen, base) = (seen.clone(), base.clone());
            async move {
                begun.notify_one();
                wait.notified().await;
                let run = &run;
                let effect = base
                    .transact(|tx| async move { run.fence(&tx).await })
                    .await;
                *seen.lock().unwrap() = Some(effect.is_err());
                Err(Error::new(Reason::Conflict, "too late"))
            }
        });
        let base = db.clone();
        let quick = Registry::new().register("work", move |run| {
            let base = base.clone();
            async move {
                let run = &run;
                base.transact(|tx| async move { run.fence(&tx).await })
                    .await
            }
        });
        let sleeper = Jobs::new(db.clone(), slow, quiet());
        let other = Jobs::new(db.clone(), quick, quiet());
        enqueue(&db, new("work")).await;
        let ((), tries) = tokio::join!(
            async {
                started.notified().await;
                assert_eq!(other.run_due().await.unwrap(), 0);
                db.clock().advance(Duration::from_secs(61));
                assert_eq!(other.run_due().await.unwrap(), 1);
                go_on.notify_one();
            },
            sleeper.run_due()
        );
        assert_eq!(tries.unwrap(), 1);
        assert_eq!(*refused.lock().unwrap(), Some(true));
        let job = the_job(&db).await;
        assert_eq!((job.state, job.attempts), (State::Done, 2));
    })
    .await;
}

#[tokio::test]
async fn work_that_kills_its_worker_is_parked_in_the_end() {
    on_each(clock(), |db| async move {
        enqueue(&db, new("work")).await;
        for _ in 0..3 {
            assert_eq!(vanish(&db).await, 1);
        }
        let runs = Arc::new(AtomicI32::new(0));
        let worker = Jobs::new(db.clone(), failing(&runs, 0), quiet());
        assert_eq!(worker.run_due().await.unwrap(), 0);
        let job = the_job(&db).await;
        assert_eq!(job.state, State::Dead);
        assert_eq!(job.last_error.as_deref(), Some("the worker vanished"));
    })
    .await;
}

#[tokio::test]
async fn a_queue_may_lease_for_less() {
    on_each(clock(), |db| async move {
        let lease_of = async |registry: Registry| {
            let base = db.clone();
            let registry = registry.register("work", move |run| {
                let base = base.clone();
                async move {
                    let until = the_lease(&base, run.id).await;
                    assert_eq!(until, base.clock().now().micros() + 2_000_000);
                    Ok(())
                }
            });
            let worker = Jobs::new(db.clone(), registry, quiet());
            enqueue(&db, new("work")).await;
            assert_eq!(worker.run_due().await.unwrap(), 1);
            the_job(&db).await.state
        };
        let short = Registry::new().leased("test", Duration::from_secs(2));
        assert_eq!(lease_of(short).await, State::Done);
    })
    .await;
}

#[tokio::test]
async fn a_long_run_keeps_its_lease() {
    on_each(clock(), |db| async move {
        let config = JobsConfig {
            lease: Duration::from_millis(30),
            ..quiet()
        };
        let base = db.clone();
        let registry = Registry::new().register("work", move |run| {
            let base = base.clone();
            async move {
                let first = the_lease(&base, run.id).await;
                base.clock().advance(Duration::from_millis(20));
                while the_lease(&base, run.id).await == first {
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
        });
        let worker = Jobs::new(db.clone(), registry, config);
        enqueue(&db, new("work")).await;
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(the_job(&db).await.attempts, 1);
    })
    .await;
}

async fn the_lease(db: &Db, id: JobId) -> i64 {
    use sea_orm::ConnectionTrait;
    let sql = "SELECT lease_until FROM jobs WHERE id = $1";
    let statement = db.dialect().statement(sql, [id.uuid().into()]);
    let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "lease_until").unwrap()
}

/// The handler may hold what the renewal waits for: SQLite's only writer.
#[tokio::test]
async fn a_run_that_holds_a_transaction_through_many_leases_goes_on_and_keeps_its_job() {
    on_each(Clock::system(), |db| async move {
        const LEASE: Duration = Duration::from_millis(100);
        let config = JobsConfig {
            lease: LEASE,
            poll: LEASE / 5,
            // Less than a transaction waits for the writer.
            max_run: Duration::from_millis(1500),
            ..quiet()
        };
        let runs = Arc::new(AtomicI32::new(0));
        let ended = Arc::new(Notify::new());
        let (base, count, signal) = (db.clone(), runs.clone(), ended.clone());
        let registry = Registry::new().register("work", move |_run| {
            let (base, signal) = (base.clone(), signal.clone());
            count.fetch_add(1, Ordering::SeqCst);
            async move {
                let hold = |tx: crate::db::Tx| async move {
                    tokio::time::sleep(LEASE * 5).await;
                    tx.enqueue(new("effect"));
                    Ok(())
                };
                let held = base.transact(hold).await;
                signal.notify_one();
                held
            }
        });
        let tasks = Tasks::default();
        let id = enqueue(&db, new("work")).await;
        Jobs::start(db.clone(), registry, &tasks, config);
        let waiting = tokio::time::timeout(Duration::from_secs(20), ended.notified());
        waiting.await.unwrap();
        assert!(tasks.stop(Duration::from_secs(10)).await);
        let job = store::get(&db, id).await.unwrap();
        assert_eq!((job.state, job.attempts), (State::Done, 1));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(jobs(&db).await.len(), 2, "one effect");
    })
    .await;
}
