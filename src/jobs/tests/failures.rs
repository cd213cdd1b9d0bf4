//! What a failure says about the next try.

use std::time::Duration;

use super::{State, clock, enqueue, new, quiet, the_job};
use crate::db::testing::on_each;
use crate::jobs::{Jobs, Registry};
use crate::kernel::{Error, Reason};

#[tokio::test]
async fn a_failure_that_no_try_can_mend_parks_the_job_at_once() {
    on_each(clock(), |db| async move {
        let registry = Registry::new().register("work", |_run| async {
            Err(Error::new(Reason::InvalidPhone, "no such number").permanently())
        });
        let worker = Jobs::new(db.clone(), registry, quiet());
        enqueue(&db, new("work")).await;
        assert_eq!(worker.run_due().await.unwrap(), 1);
        let job = the_job(&db).await;
        assert_eq!((job.state, job.attempts), (State::Dead, 1));
        let error = job.last_error.as_deref();
        assert_eq!(error, Some("INVALID_PHONE: no such number"));
        db.clock().advance(Duration::from_secs(24 * 60 * 60));
        assert_eq!(worker.run_due().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_pause_that_the_error_asks_for_is_kept() {
    on_each(clock(), |db| async move {
        let registry = Registry::new().register("work", |_run| async {
            let busy = Error::new(Reason::Unavailable, "busy");
            Err(busy.retry_after(Duration::from_secs(40)))
        });
        let worker = Jobs::new(db.clone(), registry, quiet());
        enqueue(&db, new("work")).await;
        assert_eq!(worker.run_due().await.unwrap(), 1);
        db.clock().advance(Duration::from_secs(39));
        assert_eq!(worker.run_due().await.unwrap(), 0);
        // A quarter of chance comes on top.
        db.clock().advance(Duration::from_secs(11));
        assert_eq!(worker.run_due().await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn no_pause_is_longer_than_the_longest() {
    on_each(clock(), |db| async move {
        let registry = Registry::new().register("work", |_run| async {
            let away = Error::new(Reason::Unavailable, "away");
            Err(away.retry_after(Duration::MAX))
        });
        let worker = Jobs::new(db.clone(), registry, quiet());
        enqueue(&db, new("work")).await;
        assert_eq!(worker.run_due().await.unwrap(), 1);
        let longest = quiet().max_backoff;
        db.clock().advance(longest + longest / 4);
        assert_eq!(worker.run_due().await.unwrap(), 1);
    })
    .await;
}
