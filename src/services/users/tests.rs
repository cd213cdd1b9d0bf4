//! The plan of the list of accounts at a hundred thousand of them, on every database at
//! hand.

use super::admin::{Contact, Filter};
use super::store::lists;
use super::{SellerCategory, User};
use crate::db::testing::on_each;
use crate::db::{Conn, Db, Dialect};
use crate::kernel::page::{PageRequest, Start};
use crate::kernel::phone::Phone;
use crate::kernel::{Clock, Role, Time};

const MANY: u32 = 100_000;

/// Fills the table by one statement: in a thousand accounts are one administrator and ten
/// that are switched off, and a tenth sells.
async fn fill(db: &Db) {
    let (numbers, id) = match db.dialect() {
        Dialect::Sqlite => (
            format!(
                "WITH RECURSIVE numbers (n) AS \
                 (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MANY})"
            ),
            "unhex(printf('01900000000070008000%012x', n))",
        ),
        Dialect::Postgres => (
            format!(
                "WITH numbers (n) AS (SELECT * FROM generate_series(CAST(1 AS bigint), {MANY}))"
            ),
            "CAST('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
        ),
    };
    let sql = format!(
        "INSERT INTO users (id, phone, phone_verified, email, email_verified, role, is_active, \
         version, created_at, updated_at, seller_category) {numbers} \
         SELECT {id}, '+2135' || (10000000 + n), TRUE, 'u' || n || '@example.dz', FALSE, \
         CASE WHEN n % 1000 = 0 THEN 'ADMIN' WHEN n % 10 = 1 THEN 'STORE_OWNER' \
         ELSE 'CUSTOMER' END, n % 100 <> 7, 1, n, n, \
         CASE WHEN n % 100 = 1 THEN 'GROSSISTE' END FROM numbers"
    );
    let sql = &sql;
    db.transact(|tx| async move {
        tx.conn()
            .execute_raw(tx.dialect().statement(sql, []))
            .await?;
        tx.conn().execute_unprepared("ANALYZE users").await?;
        Ok(())
    })
    .await
    .unwrap();
}

/// How the database would run the statement of a page.
async fn plan(db: &Db, filter: &Filter, page: &PageRequest) -> String {
    let statement = lists::page_of(db.dialect(), filter, page).unwrap();
    crate::db::testing::plan(db, statement).await
}

async fn found(db: &Db, filter: &Filter, page: &PageRequest) -> Vec<User> {
    let found = lists::users(db.read(), db.dialect(), filter, page).await;
    found.unwrap().0
}

#[tokio::test]
async fn first_and_deep_pages_walk_an_index_at_a_hundred_thousand_accounts() {
    on_each(
        Clock::manual(Time::from_micros(1_780_000_000_000_000)),
        async |db| {
            fill(&db).await;
            let middle = uuid::Uuid::from_u128(
                0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(MANY / 2),
            );
            let role = |role| Filter {
                role: Some(role),
                ..Filter::default()
            };
            let active = |is_active, filter: Filter| Filter {
                is_active: Some(is_active),
                ..filter
            };
            let tier = Filter {
                category: Some(SellerCategory::Grossiste),
                ..Filter::default()
            };
            for (filter, indexes) in [
                (Filter::default(), &["users"][..]),
                (role(Role::Customer), &["users"]),
                (role(Role::Admin), &["users_by_role"]),
                (tier.clone(), &["users_by_category"]),
                (active(true, Filter::default()), &["users"]),
                (active(false, Filter::default()), &["users_inactive"]),
                (active(false, role(Role::StoreOwner)), &["users_inactive"]),
                (active(true, role(Role::Admin)), &["users_by_role"]),
                (active(true, tier), &["users_by_category"]),
            ] {
                for start in [Start::First, Start::After(middle.as_bytes().to_vec())] {
                    let page = PageRequest { limit: 20, start };
                    let plan = plan(&db, &filter, &page).await;
                    assert!(
                        indexes.iter().any(|index| plan.contains(index)),
                        "{filter:?} {page:?}:\n{plan}"
                    );
                    for detour in ["Sort", "Seq Scan", "TEMP B-TREE"] {
                        assert!(!plan.contains(detour), "{filter:?} {page:?}:\n{plan}");
                    }
                    let rows = found(&db, &filter, &page).await;
                    assert!(rows.is_sorted_by(|a, b| a.id > b.id));
                    let sells_off = filter.is_active == Some(false) && filter.role.is_some();
                    // Of the sellers none is switched off: n % 100 = 7 is no seller.
                    assert_eq!(rows.len(), if sells_off { 0 } else { 21 }, "{filter:?}");
                }
            }
            let contacts = [
                (
                    Contact::Phone(Phone::parse("0510000042", None).unwrap()),
                    "users_phone",
                ),
                (Contact::Email("u42@example.dz".to_owned()), "users_email"),
            ];
            for (contact, index) in contacts {
                let filter = Filter {
                    contact: Some(contact),
                    ..Filter::default()
                };
                let page = PageRequest {
                    limit: 20,
                    start: Start::First,
                };
                let plan = plan(&db, &filter, &page).await;
                assert!(plan.contains(index), "{plan}");
                let rows = found(&db, &filter, &page).await;
                assert_eq!(rows.len(), 1, "{filter:?}");
                assert_eq!(rows[0].email.as_deref(), Some("u42@example.dz"));
            }
        },
    )
    .await;
}
