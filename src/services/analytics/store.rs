//! Every query of the numbers. A sum that does not fit is an error of the database, on
//! both of them, and never a wrong number. It reads tables of the services to the left,
//! see docs/adr/0024.

mod trade;

use sea_orm::{FromQueryResult, QueryResult, Value};
use uuid::Uuid;

use super::stats::{Orders, Products, Sold, Stats};
use crate::db::{Conditions, Conn, Dialect};
use crate::kernel::id::{ReelId, StoreId};
use crate::kernel::page::{PageRequest, read_cursor};
use crate::kernel::{Currency, Error, Result, Time};
use crate::services::reels;

pub use trade::trade;

/// Orders that still stand: what came back counts for nothing.
const STANDING: &str = "orders.status NOT IN ('CANCELLED', 'FAILED', 'RETURNED')";
/// Orders that brought money, and kept it.
const PAID: &str = "orders.payment_status = 'PAID' \
     AND orders.status NOT IN ('CANCELLED', 'FAILED', 'RETURNED')";

/// The numbers of stores: four statements. `since` is when the last month began.
pub async fn stats(
    conn: &impl Conn,
    dialect: Dialect,
    stores: &[StoreId],
    currency: Currency,
    since: Time,
) -> Result<Stats> {
    let query = Query {
        conn,
        dialect,
        stores,
        currency,
    };
    Ok(Stats {
        products: query.products().await?,
        orders: query.orders(since).await?,
        reels: reels::received(conn, dialect, stores).await?.into(),
        sold: query.sold().await?,
    })
}

struct Query<'a, C> {
    conn: &'a C,
    dialect: Dialect,
    stores: &'a [StoreId],
    currency: Currency,
}

impl<C: Conn> Query<'_, C> {
    /// The stores are the first parameters; what is given stands behind them.
    async fn one<const N: usize>(
        &self,
        sql: impl FnOnce(&str, [usize; N]) -> String,
        values: [Value; N],
    ) -> Result<QueryResult> {
        let mut conditions = of_stores("store_id", self.stores);
        let of_stores = conditions.sql();
        let places = values.map(|value| conditions.bind(value));
        let sql = sql(&of_stores, places);
        let statement = self.dialect.statement(sql, conditions.values());
        let row = self.conn.query_one_raw(statement).await?;
        row.ok_or_else(|| Error::internal("a count without a row"))
    }

    async fn products(&self) -> Result<Products> {
        let sql = |of_stores: &str, []: [usize; 0]| {
            format!(
                "SELECT count(*) AS total, \
                 count(CASE WHEN status = 'ACTIVE' AND store_visible THEN 1 END) AS active, \
                 count(CASE WHEN status = 'ACTIVE' AND store_visible AND NOT in_stock THEN 1 END) \
                 AS out_of_stock FROM products WHERE {of_stores} AND status <> 'DELETED'"
            )
        };
        let row = self.one(sql, []).await?;
        Ok(Products {
            total: row.try_get("", "total")?,
            active: row.try_get("", "active")?,
            out_of_stock: row.try_get("", "out_of_stock")?,
        })
    }

    async fn orders(&self, since: Time) -> Result<Orders> {
        let sql = |of_stores: &str, [currency, since]: [usize; 2]| {
            let paid = format!("{PAID} AND currency = ${currency}");
            let recent = format!("{paid} AND created_at >= ${since}");
            format!(
                "SELECT count(*) AS total, \
                 count(CASE WHEN status IN ('PENDING', 'PAYMENT_PENDING') THEN 1 END) AS pending, \
                 count(CASE WHEN {paid} THEN 1 END) AS paid, {} AS revenue, {} AS monthly \
                 FROM orders WHERE {of_stores}",
                sum(&format!("CASE WHEN {paid} THEN total END")),
                sum(&format!("CASE WHEN {recent} THEN total END")),
            )
        };
        let values = [self.currency.as_str().into(), since.micros().into()];
        let row = self.one(sql, values).await?;
        Ok(Orders {
            total: row.try_get("", "total")?,
            pending: row.try_get("", "pending")?,
            paid: row.try_get("", "paid")?,
            revenue: row.try_get("", "revenue")?,
            monthly: row.try_get("", "monthly")?,
        })
    }

    async fn sold(&self) -> Result<Sold> {
        let sql = |of_stores: &str, [currency]: [usize; 1]| {
            format!(
                "SELECT count(DISTINCT orders.id) AS sold, {} AS revenue FROM orders \
                 JOIN order_items ON order_items.order_id = orders.id WHERE {of_stores} \
                 AND {PAID} AND currency = ${currency} AND reel_id IS NOT NULL",
                sum("order_items.subtotal"),
            )
        };
        let row = self.one(sql, [self.currency.as_str().into()]).await?;
        Ok(Sold {
            orders: row.try_get("", "sold")?,
            revenue: row.try_get("", "revenue")?,
        })
    }
}

/// A sum as a whole number. PostgreSQL sums whole numbers into decimals.
fn sum(of: &str) -> String {
    format!("CAST(COALESCE(sum({of}), 0) AS bigint)")
}

fn of_stores(column: &str, stores: &[StoreId]) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.one_of(column, stores.iter().map(|store| store.uuid().into()));
    conditions
}

/// A reel as its seller sees it.
#[derive(Debug, FromQueryResult)]
pub struct Reel {
    /// The reel.
    pub id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// Its caption.
    pub caption: String,
    /// The currency of its product.
    pub currency: String,
}

/// The reels of stores, the newest first: one more than asked, and in page mode the number
/// of all.
pub async fn reels(
    conn: &impl Conn,
    dialect: Dialect,
    stores: &[StoreId],
    page: &PageRequest,
) -> Result<(Vec<Reel>, Option<u64>)> {
    let mut conditions = of_stores("reels.store_id", stores);
    conditions.always("reels.deleted_at IS NULL");
    let total = match page.is_numbered() {
        true => Some(count(conn, dialect, &conditions).await?),
        false => None,
    };
    if let Some(bytes) = page.cursor() {
        let (id, _) = read_cursor(bytes)?;
        conditions.with("reels.id < ?", [id.into()]);
    }
    let sql = format!(
        "SELECT reels.id, product_id, caption, products.currency \
         FROM reels JOIN products ON products.id = reels.product_id \
         WHERE {} ORDER BY reels.id DESC LIMIT {} OFFSET {}",
        conditions.sql(),
        page.limit + 1,
        page.offset()
    );
    let statement = dialect.statement(sql, conditions.values());
    let rows = Reel::find_by_statement(statement).all(conn).await?;
    Ok((rows, total))
}

async fn count(conn: &impl Conn, dialect: Dialect, conditions: &Conditions) -> Result<u64> {
    let sql = format!(
        "SELECT count(*) AS total FROM reels WHERE {}",
        conditions.sql()
    );
    let statement = dialect.statement(sql, conditions.values());
    let row = conn.query_one_raw(statement).await?;
    let total: i64 = row.map_or(Ok(0), |row| row.try_get("", "total"))?;
    Ok(total.unsigned_abs())
}

/// What a reel sold.
#[derive(Debug, FromQueryResult)]
pub struct Sales {
    /// The reel.
    pub reel_id: Uuid,
    /// Orders that came to something or may yet.
    pub orders: i64,
    /// Pieces of their lines.
    pub pieces: i64,
    /// What the paid lines brought.
    pub revenue: i64,
}

/// What each of these reels sold; reels without an order are absent. One statement.
pub async fn sales(conn: &impl Conn, dialect: Dialect, reels: &[ReelId]) -> Result<Vec<Sales>> {
    let mut conditions = Conditions::default();
    conditions.one_of("reel_id", reels.iter().map(|reel| reel.uuid().into()));
    conditions.always(STANDING);
    let sql = format!(
        "SELECT reel_id, count(DISTINCT orders.id) AS orders, {} AS pieces, {} AS revenue \
         FROM order_items JOIN orders ON orders.id = order_items.order_id \
         WHERE {} GROUP BY reel_id",
        sum("quantity"),
        sum(&format!("CASE WHEN {PAID} THEN order_items.subtotal END")),
        conditions.sql()
    );
    let statement = dialect.statement(sql, conditions.values());
    Ok(Sales::find_by_statement(statement).all(conn).await?)
}
