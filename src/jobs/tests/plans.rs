//! Claims stay quick, however much waits.

use sea_orm::{ConnectionTrait, Value};

use super::*;
use crate::db::Dialect;

const MANY: i64 = 100_000;

/// A hundred thousand jobs of one queue, of which `columns` says the rest.
async fn fill(db: &Db, columns: &str, values: &str) {
    let (numbers, id) = match db.dialect() {
        Dialect::Sqlite => (
            format!(
                "WITH RECURSIVE numbers (n) AS \
                 (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MANY})"
            ),
            "CAST('0123456789' || substr('00000' || n, -6) AS BLOB)",
        ),
        Dialect::Postgres => (
            format!(
                "WITH numbers (n) AS (SELECT * FROM generate_series(CAST(1 AS bigint), {MANY}))"
            ),
            "CAST('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
        ),
    };
    let sql = format!(
        "INSERT INTO jobs (id, queue, kind, payload, priority, state, max_attempts, \
             created_at, run_at, {columns}) {numbers} \
         SELECT {id}, 'test', 'work', '{{}}', 0, 'PENDING', 3, 0, {values} FROM numbers"
    );
    let sql = sql.as_str();
    db.transact(|tx| async move {
        if tx.dialect() == Dialect::Postgres {
            let patient = "SET LOCAL statement_timeout = 0";
            tx.conn().execute_unprepared(patient).await?;
        }
        tx.conn().execute_unprepared(sql).await?;
        tx.conn().execute_unprepared("ANALYZE jobs").await?;
        Ok(())
    })
    .await
    .unwrap();
}

async fn plan(db: &Db, sql: &str, values: Vec<Value>) -> String {
    crate::db::testing::plan(db, db.dialect().statement(sql, values)).await
}

/// Neither the search for what is due nor the claim of it walks or sorts what waits.
async fn assert_quick(db: &Db, priority: i32) {
    let now = db.clock().now().micros();
    let values: Vec<Value> = vec![
        "test".into(),
        priority.into(),
        now.into(),
        16_i64.into(),
        "owner".into(),
        now.into(),
        "work".into(),
    ];
    let claim = plan(db, &lease::claim_sql(db.dialect(), 1), values).await;
    let levels = plan(db, lease::DUE_LEVELS, vec![now.into()]).await;
    for plan in [&claim, &levels] {
        assert!(plan.contains("jobs_ready"), "{plan}");
        for detour in ["Seq Scan on jobs", "SCAN jobs", "SCAN j", "SCAN k"] {
            let walks = plan.lines().any(|line| {
                let line = line.trim_start_matches([' ', '-', '>']);
                line == detour || line.starts_with(&format!("{detour} "))
            });
            assert!(!walks, "{detour} in:\n{plan}");
        }
    }
    for detour in ["Sort", "TEMP B-TREE FOR ORDER"] {
        assert!(!claim.contains(detour), "{detour} in:\n{claim}");
    }
}

async fn claims(db: &Db) -> Vec<JobId> {
    let mut claimed = Vec::new();
    for level in &lease::due_levels(db).await.unwrap() {
        let found = db.transact(|tx| async move {
            let lease = lease::Lease {
                owner: "owner",
                lasts: Duration::ZERO,
            };
            lease::claim(&tx, level, &["work"], 16, lease).await
        });
        claimed.extend(found.await.unwrap().into_iter().map(|job| job.id));
    }
    claimed
}

#[tokio::test]
async fn a_hundred_thousand_due_jobs_are_claimed_along_an_index() {
    on_each(clock(), |db| async move {
        fill(&db, "finished_at", "n, NULL").await;
        assert_quick(&db, 0).await;
        assert_eq!(claims(&db).await.len(), 16);
    })
    .await;
}

#[tokio::test]
async fn a_hundred_thousand_jobs_that_wait_for_their_time_or_turn_hold_up_no_other() {
    on_each(clock(), |db| async move {
        let far = db.clock().now() + Duration::from_secs(3600);
        fill(&db, "finished_at", &format!("{} + n, NULL", far.micros())).await;
        let lowly = NewJob {
            priority: 9,
            ..new("work")
        };
        let due = enqueue(&db, lowly).await;
        assert_quick(&db, 9).await;
        assert_eq!(claims(&db).await, [due]);
    })
    .await;
    on_each(clock(), |db| async move {
        let ahead = NewJob {
            order_key: Some("key".to_owned()),
            delay: Duration::from_secs(3600),
            ..new("work")
        };
        enqueue(&db, ahead).await;
        let blocked = "n, 'key', n + 1, TRUE";
        fill(&db, "order_key, order_number, blocked", blocked).await;
        let lowly = NewJob {
            priority: 9,
            ..new("work")
        };
        let due = enqueue(&db, lowly).await;
        assert_quick(&db, 9).await;
        assert_eq!(claims(&db).await, [due]);
    })
    .await;
}
