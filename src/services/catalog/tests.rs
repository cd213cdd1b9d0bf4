//! Lists at a million products, on every database at hand.

use super::Sight;
use super::list::{Among, Filter, Sort};
use super::store::lists;
use super::testing::insert_store;
use crate::db::testing::on_each;
use crate::db::{Conn, Db, Dialect};
use crate::kernel::id::{ProductId, StoreId, UserId};
use crate::kernel::page::{PageRequest, Start, cursor};
use crate::kernel::{Clock, Time};
use crate::services::users::{SellerCategory, Tiers};

const MANY: u32 = 1_000_000;

/// Fills the table by one statement; a third is not on sale, and of the others half are
/// hidden from everybody but the tiers below. The full-text index plays no part in these
/// lists, and every row has its tier: both are set aside to save their time.
async fn fill(db: &Db) {
    let now = db.clock().now();
    let (owner, store) = (UserId::new(now), StoreId::new(now));
    insert_store(db, owner, store).await;
    let (aside, numbers, id) = match db.dialect() {
        Dialect::Sqlite => (
            "DROP TRIGGER products_search_insert; DROP TRIGGER products_take_tier",
            format!(
                "WITH RECURSIVE numbers (n) AS \
                 (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MANY})"
            ),
            "unhex(printf('01900000000070008000%012x', n))",
        ),
        Dialect::Postgres => (
            "SET LOCAL statement_timeout = 0; DROP INDEX products_search; \
             ALTER TABLE products DROP COLUMN search; \
             ALTER TABLE products DISABLE TRIGGER products_take_tier",
            format!(
                "WITH numbers (n) AS (SELECT * FROM generate_series(CAST(1 AS bigint), {MANY}))"
            ),
            "CAST('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
        ),
    };
    let sql = format!(
        "INSERT INTO products (id, store_id, seller_id, status, slug, name, name_key, \
         description, search_text, brand, brand_key, type, sku, price, currency, \
         min_order_quantity, images, tags, specifications, benefits, ingredients, usage, \
         delivery_note, returns_note, payment_note, in_stock, store_visible, featured, rating, \
         views, version, published_at, created_at, updated_at, tier) {numbers} \
         SELECT {id}, $1, $2, CASE WHEN n % 3 = 0 THEN 'INACTIVE' ELSE 'ACTIVE' END, 'p-' || n, \
         'Product', 'product ' || (n * 7919 % 1000003), \
         '', '', '', 'brand ' || (n % 500), '', '', n * 7919 % 1000003, 'DZD', 1, \
         '[]', '[]', '{{}}', '', '', '', '', '', '', n % 4 > 0, TRUE, n % 5000 = 0, 0, 0, 1, 0, n, n, \
         CASE n / 10000 % 4 WHEN 0 THEN 'IMPORTATEUR' WHEN 1 THEN 'GROSSISTE' \
         WHEN 2 THEN 'FOURNISSEUR' ELSE '' END FROM numbers"
    );
    let sql = &sql;
    db.transact(|tx| async move {
        let values = [store.uuid().into(), owner.uuid().into()];
        tx.conn().execute_unprepared(aside).await?;
        tx.conn()
            .execute_raw(tx.dialect().statement(sql, values))
            .await?;
        tx.conn().execute_unprepared("ANALYZE products").await?;
        Ok(())
    })
    .await
    .unwrap();
}

/// How the database would run the statement of a page.
async fn plan(db: &Db, filter: &Filter, sort: Sort, page: &PageRequest) -> String {
    let statement = lists::page_of(db.dialect(), filter, sort, page).unwrap();
    crate::db::testing::plan(db, statement).await
}

fn assert_walks(plan: &str, index: &str) {
    assert!(plan.contains(index), "{index} is not used:\n{plan}");
    for detour in ["Sort", "Seq Scan on products", "TEMP B-TREE"] {
        assert!(!plan.contains(detour), "{detour} in:\n{plan}");
    }
}

#[tokio::test]
async fn first_and_deep_pages_walk_an_index_at_a_million_products() {
    on_each(
        Clock::manual(Time::from_micros(1_780_000_000_000_000)),
        async |db| {
            fill(&db).await;
            let middle = ProductId::from(uuid::Uuid::from_u128(
                0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(MANY / 2),
            ));
            let price = i64::from(MANY / 2).to_be_bytes();
            let wholesaler = Sight {
                tiers: Tiers::of(Some(SellerCategory::Grossiste), false),
                member: Some(UserId::new(db.clock().now())),
            };
            let on_sale = |sight| {
                Filter::all(Among::OnSale {
                    sight,
                    featured: false,
                })
            };
            let featured = |sight| {
                Filter::all(Among::OnSale {
                    sight,
                    featured: true,
                })
            };
            let brand = |sight| Filter {
                brand: Some("brand 7".to_owned()),
                ..on_sale(sight)
            };
            let cases = [Sight::PUBLIC, wholesaler].into_iter().flat_map(|sight| {
                [
                    (on_sale(sight), Sort::Newest, &b""[..], "products_newest"),
                    (on_sale(sight), Sort::PriceUp, &price, "products_by_price"),
                    (on_sale(sight), Sort::PriceDown, &price, "products_by_price"),
                    (on_sale(sight), Sort::Name, b"product 5", "products_by_name"),
                    (featured(sight), Sort::Newest, b"", "products_featured"),
                    (brand(sight), Sort::Newest, b"", "products_by_brand"),
                ]
            });
            for (filter, sort, key, index) in cases {
                for start in [Start::First, Start::After(cursor(middle.uuid(), key))] {
                    let page = PageRequest { limit: 20, start };
                    assert_walks(&plan(&db, &filter, sort, &page).await, index);
                    let found =
                        lists::products(db.read(), db.dialect(), &filter, sort, &page).await;
                    assert_eq!(found.unwrap().0.len(), 21, "{sort:?} {page:?}");
                }
            }
        },
    )
    .await;
}
