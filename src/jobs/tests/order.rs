//! Jobs of one key run one after the other.

use super::*;
use crate::db::testing::on_postgres;

fn keyed(payload: &str) -> NewJob {
    NewJob {
        order_key: Some("parcel/7".to_owned()),
        ..NewJob::new("test", "work", payload.to_owned())
    }
}

/// Writes down the payloads that it runs; refuses `poison`.
fn noting(seen: &Arc<Mutex<Vec<String>>>) -> Registry {
    let seen = seen.clone();
    Registry::new().register("work", move |run| {
        seen.lock().unwrap().push(run.payload.clone());
        async move {
            if run.payload == "poison" {
                return Err(Error::new(Reason::Unavailable, "away"));
            }
            Ok(())
        }
    })
}

fn taken(seen: &Arc<Mutex<Vec<String>>>) -> Vec<String> {
    std::mem::take(&mut seen.lock().unwrap())
}

#[tokio::test]
async fn jobs_of_a_key_run_in_the_order_of_their_commits_whatever_else_they_say() {
    on_each(clock(), |db| async move {
        let seen = Arc::default();
        let worker = Jobs::new(db.clone(), noting(&seen), quiet());
        let late = Duration::from_secs(10);
        let first = NewJob {
            delay: late,
            ..keyed("first")
        };
        enqueue(&db, first).await;
        let urgent = NewJob {
            priority: -1,
            ..keyed("second")
        };
        enqueue(&db, urgent).await;
        db.transact(|tx| async move {
            tx.enqueue(keyed("third"));
            tx.enqueue(keyed("fourth"));
            Ok(())
        })
        .await
        .unwrap();
        enqueue(&db, NewJob::new("test", "work", "free".to_owned())).await;
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), ["free"]);
        let queues = store::queues(&db).await.unwrap();
        assert_eq!((queues[0].pending, queues[0].due), (4, 0));
        db.clock().advance(late);
        let queues = store::queues(&db).await.unwrap();
        assert_eq!((queues[0].pending, queues[0].due), (4, 1));
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), ["first", "second", "third", "fourth"]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_fails_holds_up_those_behind_it_until_it_is_dead() {
    on_each(clock(), |db| async move {
        let seen = Arc::default();
        let worker = Jobs::new(db.clone(), noting(&seen), quiet());
        let poison = enqueue(&db, keyed("poison")).await;
        enqueue(&db, keyed("behind")).await;
        for _ in 0..2 {
            worker.run_due().await.unwrap();
            assert_eq!(taken(&seen), ["poison"]);
            db.clock().advance(Duration::from_secs(60));
        }
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), ["poison", "behind"]);

        // What is retried has lost its place.
        let blocker = NewJob {
            delay: Duration::from_secs(5),
            ..keyed("later")
        };
        enqueue(&db, blocker).await;
        db.transact(|tx| async move { store::retry(&tx, poison).await })
            .await
            .unwrap();
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), [""; 0]);
        db.clock().advance(Duration::from_secs(5));
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), ["later", "poison"]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_cancelled_or_was_never_added_holds_up_nobody() {
    on_each(clock(), |db| async move {
        let seen = Arc::default();
        let worker = Jobs::new(db.clone(), noting(&seen), quiet());
        let once = |payload| NewJob {
            dedupe_key: Some("once".to_owned()),
            delay: Duration::from_secs(60),
            ..keyed(payload)
        };
        let first = enqueue(&db, once("first")).await;
        enqueue(&db, keyed("second")).await;
        db.transact(|tx| async move { store::cancel(&tx, first).await })
            .await
            .unwrap();
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), ["second"]);

        let free = NewJob {
            order_key: None,
            ..once("free")
        };
        enqueue(&db, free).await;
        let (again, third) = (&once("again"), &keyed("third"));
        db.transact(|tx| async move {
            tx.enqueue(again.clone());
            tx.enqueue(third.clone());
            Ok(())
        })
        .await
        .unwrap();
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), ["third"]);
    })
    .await;
}

#[tokio::test]
async fn a_vanished_worker_lets_the_next_of_the_key_go_once_its_job_is_dead() {
    on_each(clock(), |db| async move {
        let once = NewJob {
            max_attempts: 1,
            ..keyed("first")
        };
        enqueue(&db, once).await;
        enqueue(&db, keyed("second")).await;
        let level = &Level {
            queue: "test".to_owned(),
            priority: 0,
        };
        let claimed = db
            .transact(|tx| async move {
                let lease = lease::Lease {
                    owner: "gone",
                    lasts: Duration::from_secs(60),
                };
                lease::claim(&tx, level, &["work"], 5, lease).await
            })
            .await
            .unwrap();
        assert_eq!(claimed.len(), 1);
        let seen = Arc::default();
        let worker = Jobs::new(db.clone(), noting(&seen), quiet());
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), [""; 0]);
        db.clock().advance(Duration::from_secs(61));
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), ["second"]);
    })
    .await;
}

#[tokio::test]
async fn of_two_transactions_the_one_that_commits_first_comes_first() {
    on_postgres(clock(), |db| async move {
        let (opened, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begun, wait) = (&opened, &go_on);
        let slow = db.transact(|tx| async move {
            tx.enqueue(keyed("begun first"));
            begun.notify_one();
            wait.notified().await;
            Ok(())
        });
        let quick = async {
            opened.notified().await;
            enqueue(&db, keyed("committed first")).await;
            go_on.notify_one();
        };
        let (committed, ()) = tokio::join!(slow, quick);
        committed.unwrap();
        let seen = Arc::default();
        let worker = Jobs::new(db.clone(), noting(&seen), quiet());
        worker.run_due().await.unwrap();
        assert_eq!(taken(&seen), ["committed first", "begun first"]);
    })
    .await;
}
