//! What is kept, and for how long.

use super::*;
use crate::jobs::retention::purge_done;

#[tokio::test]
async fn jobs_are_listed_in_pages_and_purged_when_done_for_long() {
    on_each(clock(), |db| async move {
        let runs = Arc::new(AtomicI32::new(0));
        let worker = Jobs::new(db.clone(), failing(&runs, 0), quiet());
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(enqueue(&db, new("work")).await);
            db.clock().advance(Duration::from_secs(1));
        }
        ids.reverse();
        worker.run_due().await.unwrap();
        ids.insert(0, enqueue(&db, new("other")).await);
        let mut walked = Vec::new();
        let mut start = Start::First;
        loop {
            let page = PageRequest { limit: 3, start };
            let page = store::list(&db, &Filter::default(), &page).await.unwrap();
            walked.extend(page.items.iter().map(|job| job.id));
            let Some(cursor) = page.next else { break };
            start = Start::After(cursor);
        }
        assert_eq!(walked, ids);
        let done = Filter {
            state: Some(State::Done),
            kind: Some("work".to_owned()),
            queue: None,
        };
        assert_eq!(list(&db, &done, Start::Number(2), 2).await.len(), 1);
        db.clock().advance(Duration::from_secs(1));
        assert_eq!(purge_done(&db, db.clock().now()).await.unwrap(), 3);
        assert_eq!(the_job(&db).await.kind, "other");
    })
    .await;
}

#[tokio::test]
async fn the_hourly_purges_leave_what_has_not_had_its_time() {
    on_each(clock(), |db| async move {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let call = |key: &str| Call {
            idempotency: Some(Idempotency {
                key: key.to_owned(),
                request_hash: [0; 32],
            }),
            ..Call::system("/test/Write")
        };
        let write = async |key: &str| {
            let call = call(key);
            let answer = db.write(&call, |_tx| async { Ok(key.len() as u32) }).await;
            answer.unwrap().replayed
        };
        let worker = Jobs::new(
            db.clone(),
            register_purges(Registry::new(), &db, DAY),
            quiet(),
        );
        assert!(!write("first").await);
        assert_eq!(worker.run_due().await.unwrap(), 4);
        db.clock().advance(DAY / 2);
        assert!(!write("second").await);
        db.clock().advance(DAY / 2 + Duration::from_secs(1));
        assert_eq!(worker.run_due().await.unwrap(), 4);
        assert!(!write("first").await, "an expired key is free again");
        assert!(write("second").await);
        let kept = jobs(&db).await;
        assert!(kept.iter().all(|job| job.state == State::Done), "{kept:?}");
        assert_eq!(count_keys(&db).await, 2);
    })
    .await;
}

async fn count_keys(db: &Db) -> i64 {
    use sea_orm::ConnectionTrait;
    let sql = "SELECT count(*) AS keys FROM idempotency_keys";
    let statement = db.dialect().statement(sql, []);
    let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "keys").unwrap()
}
