//! What becomes of running jobs when the process stops.

use super::*;

#[tokio::test]
async fn a_job_that_does_not_end_in_time_is_given_back_and_begins_anew_elsewhere() {
    on_each(clock(), |db| async move {
        let started = Arc::new(Notify::new());
        let (base, begun) = (db.clone(), started.clone());
        let endless = Registry::new()
            .register("work", move |run| {
                let begun = begun.clone();
                async move {
                    begun.notify_one();
                    run.stopping.cancelled().await;
                    std::future::pending().await
                }
            })
            .register("quick", move |run| {
                let base = base.clone();
                async move {
                    run.stopping.cancelled().await;
                    let run = &run;
                    base.transact(|tx| async move { run.complete(&tx).await })
                        .await
                }
            });
        let config = JobsConfig {
            drain: Duration::from_millis(200),
            ..quiet()
        };
        let tasks = Tasks::default();
        Jobs::start(db.clone(), endless, &tasks, config);
        let quick = enqueue(&db, new("quick")).await;
        let long = enqueue(&db, new("work")).await;
        started.notified().await;
        while store::get(&db, quick).await.unwrap().state != State::Running {
            tokio::task::yield_now().await;
        }
        assert!(tasks.stop(Duration::from_secs(10)).await);
        assert_eq!(store::get(&db, quick).await.unwrap().state, State::Done);
        let job = store::get(&db, long).await.unwrap();
        // The try that was cut short does not count.
        assert_eq!((job.state, job.attempts), (State::Pending, 1));
        assert_eq!((job.max_attempts, job.last_error), (4, None));
        let runs = Arc::new(AtomicI32::new(0));
        let other = Jobs::new(db.clone(), failing(&runs, 0), quiet());
        assert_eq!(other.run_due().await.unwrap(), 1);
        let job = store::get(&db, long).await.unwrap();
        assert_eq!((job.state, job.attempts), (State::Done, 2));
    })
    .await;
}
