//! How the databases find what a user has, among a hundred thousand rows of files that are
//! over.

use super::*;
use crate::db::Db;
use crate::db::testing::{self, on_each};
use crate::kernel::Clock;
use crate::kernel::id::StoreId;
use crate::services::catalog::testing::insert_store;

const NOW: Time = Time::from_micros(1_780_000_000_000_000);

/// A hundred thousand files of one user. Of a thousand, 990 are deleted, nine are in use and
/// one is ready and not used; the last hundred deleted ones may still come.
async fn fill(db: &Db, owner: UserId) {
    let (numbers, id) = match db.dialect() {
        Dialect::Sqlite => (
            "WITH RECURSIVE numbers (n) AS \
             (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)",
            "unhex(printf('01700000000070008000%012x', n))",
        ),
        Dialect::Postgres => (
            "WITH numbers (n) AS (SELECT * FROM generate_series(CAST(1 AS bigint), 100000))",
            "CAST('01700000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
        ),
    };
    let now = NOW.micros();
    let sql = format!(
        "INSERT INTO media (id, owner_id, purpose, status, key, content_type, size, upload_id, \
         thumbnail_key, failure, uses, unused_since, checked_at, expires_at, version, \
         created_at, updated_at) {numbers} SELECT {id}, $1, 'REEL_VIDEO', \
         CASE WHEN n % 1000 < 10 THEN 'READY' ELSE 'DELETED' END, 'k-' || n, '', 1, '', '', '', \
         CASE WHEN n % 1000 BETWEEN 1 AND 9 THEN 1 ELSE 0 END, \
         CASE WHEN n % 1000 BETWEEN 1 AND 9 THEN NULL ELSE 1 END, 1, \
         {now} - 99899 + n, 1, 1, 1 FROM numbers"
    );
    testing::fill(db, &sql, &[owner.uuid()]).await;
    testing::fill(db, "ANALYZE media", &[]).await;
}

#[tokio::test]
async fn what_a_user_has_is_found_beside_all_that_is_over() {
    on_each(Clock::manual(NOW), async |db| {
        let owner = UserId::new(NOW);
        insert_store(&db, owner, StoreId::new(NOW)).await;
        fill(&db, owner).await;
        let plan = testing::plan(&db, held_by(db.dialect(), owner, NOW)).await;
        assert!(plan.contains("media_tickets"), "{plan}");
        // While PostgreSQL has not vacuumed the table, it finds the same rows by another.
        let finds_live = plan.contains("media_live") || plan.contains("(status = ANY ");
        assert!(finds_live, "{plan}");
        for detour in ["Seq Scan", "SCAN media"] {
            assert!(!plan.contains(detour), "{detour} in:\n{plan}");
        }
        let held = db.transact(|tx| async move { held(&tx, owner).await });
        let expected = Held {
            open: 0,
            unused: 100 + 100,
            all: 1_000 + 100,
        };
        assert_eq!(held.await.unwrap(), expected);
    })
    .await;
}
