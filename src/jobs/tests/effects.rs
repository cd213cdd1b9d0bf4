//! A job that ends in the transaction of its effect.

use super::*;

/// Enqueues a job of the kind `effect` as its effect, completes, and ends as told.
fn completing(
    db: &Db,
    how: impl Fn(&crate::jobs::Run) -> Result<()> + Send + Sync + 'static,
) -> Registry {
    let (base, how) = (db.clone(), Arc::new(how));
    Registry::new().register("work", move |run| {
        let (base, how) = (base.clone(), how.clone());
        async move {
            let (run, how) = (&run, &how);
            base.transact(|tx| async move {
                tx.enqueue(new("effect"));
                run.complete(&tx).await?;
                how(run)
            })
            .await
        }
    })
}

#[tokio::test]
async fn a_job_that_completed_is_done_even_when_its_worker_dies_right_after() {
    on_each(clock(), |db| async move {
        let base = db.clone();
        let registry = Registry::new().register("work", move |run| {
            let base = base.clone();
            async move {
                let run = &run;
                base.transact(|tx| async move {
                    tx.enqueue(new("effect"));
                    run.complete(&tx).await
                })
                .await?;
                panic!("as the test wishes");
            }
        });
        let id = enqueue(&db, new("work")).await;
        let worker = Jobs::new(db.clone(), registry, quiet());
        assert_eq!(worker.run_due().await.unwrap(), 1);
        db.clock().advance(Duration::from_secs(600));
        assert_eq!(worker.run_due().await.unwrap(), 0);
        let job = store::get(&db, id).await.unwrap();
        assert_eq!((job.state, job.attempts), (State::Done, 1));
        assert_eq!(jobs(&db).await.len(), 2, "one effect");
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_effect_is_rolled_back_is_not_done() {
    on_each(clock(), |db| async move {
        let once = AtomicI32::new(0);
        let registry = completing(&db, move |_run| match once.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Error::new(Reason::Unavailable, "rolled back")),
            _ => Ok(()),
        });
        let id = enqueue(&db, new("work")).await;
        let worker = Jobs::new(db.clone(), registry, quiet());
        assert_eq!(worker.run_due().await.unwrap(), 1);
        let job = store::get(&db, id).await.unwrap();
        assert_eq!((job.state, jobs(&db).await.len()), (State::Pending, 1));
        db.clock().advance(Duration::from_secs(60));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        let job = store::get(&db, id).await.unwrap();
        assert_eq!((job.state, job.attempts), (State::Done, 2));
        assert_eq!(jobs(&db).await.len(), 2, "one effect");
    })
    .await;
}

#[tokio::test]
async fn a_late_worker_completes_nothing() {
    on_each(clock(), |db| async move {
        let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (base, begun, wait) = (db.clone(), started.clone(), go_on.clone());
        let slow = Registry::new().register("work", move |run| {
            let (base, begun, wait) = (base.clone(), begun.clone(), wait.clone());
            async move {
                begun.notify_one();
                wait.notified().await;
                let run = &run;
                base.transact(|tx| async move {
                    tx.enqueue(new("effect"));
                    run.complete(&tx).await
                })
                .await
            }
        });
        let sleeper = Jobs::new(db.clone(), slow, quiet());
        let other = Jobs::new(db.clone(), completing(&db, |_run| Ok(())), quiet());
        let id = enqueue(&db, new("work")).await;
        let ((), tries) = tokio::join!(
            async {
                started.notified().await;
                db.clock().advance(Duration::from_secs(61));
                assert_eq!(other.run_due().await.unwrap(), 1);
                go_on.notify_one();
            },
            sleeper.run_due()
        );
        assert_eq!(tries.unwrap(), 1);
        let job = store::get(&db, id).await.unwrap();
        assert_eq!((job.state, job.attempts), (State::Done, 2));
        assert_eq!(jobs(&db).await.len(), 2, "one effect");
    })
    .await;
}
