//! What the tests beside the code need.

use super::set::{self, Named, Settings};
use super::{Line, Stock, store};
use crate::db::{Conn, Db};
use crate::kernel::Time;
use crate::kernel::id::{MovementId, ProductId, StockId, StoreId, UserId};
use crate::services::catalog::testing;

/// A record of which nothing matters but the pieces on hand.
pub fn stock(on_hand: i32) -> Stock {
    let now = Time::from_micros(0);
    Stock {
        id: StockId::new(now).uuid(),
        store_id: StoreId::new(now).uuid(),
        product_id: ProductId::new(now).uuid(),
        product_name: String::new(),
        product_name_key: String::new(),
        sku: String::new(),
        gone: false,
        on_hand,
        reserved: 0,
        reorder_level: 0,
        max_level: None,
        price_override: None,
        enabled: true,
        last_restocked_at: None,
        last_movement_id: MovementId::new(now).uuid(),
        last_reason: String::new(),
        last_order_id: None,
        last_actor: None,
        last_note: String::new(),
        version: 1,
        created_at: 0,
        updated_at: 0,
    }
}

/// A store with products that have these pieces on hand.
pub struct Shop {
    pub db: Db,
    pub owner: UserId,
    pub store: StoreId,
    pub products: Vec<ProductId>,
}

impl Shop {
    pub async fn open(db: &Db, pieces: &[i32]) -> Self {
        let now = db.clock().now();
        let shop = Self {
            db: db.clone(),
            owner: UserId::new(now),
            store: StoreId::new(now),
            products: pieces.iter().map(|_| ProductId::new(now)).collect(),
        };
        shop.insert_rows().await;
        let (shop_ref, pieces) = (&shop, pieces);
        db.transact(|tx| async move {
            for (product, on_hand) in shop_ref.products.iter().zip(pieces) {
                let named = Named {
                    store: shop_ref.store,
                    product: *product,
                    name: "Argan oil".to_owned(),
                    sku: String::new(),
                };
                let settings = Settings {
                    on_hand: Some(*on_hand),
                    ..Settings::default()
                };
                set::open(&tx, &named, &settings, None).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
        shop
    }

    pub fn line(&self, product: usize, quantity: i32) -> Line {
        Line {
            store: self.store,
            product: self.products[product],
            quantity,
        }
    }

    pub async fn stock(&self, product: usize) -> Stock {
        let found = store::of_products(self.db.read(), [self.products[product]]).await;
        found.unwrap().pop().unwrap()
    }

    /// A number that a query answers.
    pub async fn number(&self, sql: &str) -> i64 {
        let statement = self.db.dialect().statement(sql, []);
        let row = self.db.read().query_one_raw(statement).await.unwrap();
        row.unwrap().try_get_by_index(0).unwrap()
    }

    /// Runs a statement that must be refused.
    pub async fn assert_refused(&self, sql: &str) {
        let outcome = self
            .db
            .transact(|tx| async move {
                tx.conn().execute_unprepared(sql).await?;
                Ok(())
            })
            .await;
        assert!(outcome.is_err(), "{sql}");
    }

    /// What must hold at any time, whatever happened.
    pub async fn assert_sound(&self) {
        for (offenders, sql) in [
            (
                "stock that is not the sum of its movements",
                "SELECT count(*) FROM stock WHERE on_hand <> \
                 (SELECT COALESCE(sum(delta), 0) FROM stock_movements WHERE stock_id = stock.id)",
            ),
            (
                "stock that does not reserve what its reservations say",
                "SELECT count(*) FROM stock WHERE reserved <> (SELECT COALESCE(sum(quantity), 0) \
                 FROM reservations WHERE stock_id = stock.id AND status = 'RESERVED')",
            ),
            (
                "products that do not show their stock",
                "SELECT count(*) FROM products JOIN stock ON stock.product_id = products.id \
                 WHERE products.in_stock <> stock.in_stock",
            ),
            (
                "records whose last event is not their version",
                "SELECT count(*) FROM stock WHERE version <> \
                 (SELECT count(*) FROM events WHERE aggregate = stock.id) OR version <> \
                 (SELECT max(version) FROM events WHERE aggregate = stock.id)",
            ),
        ] {
            assert_eq!(self.number(sql).await, 0, "{offenders}");
        }
    }

    async fn insert_rows(&self) {
        testing::insert_store(&self.db, self.owner, self.store).await;
        for product in &self.products {
            testing::insert_product(&self.db, self.owner, self.store, *product).await;
        }
    }
}
