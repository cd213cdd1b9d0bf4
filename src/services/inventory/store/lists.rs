//! Lists of stock, movements and reservations, each on an index of its order.

use sea_orm::{EntityTrait, FromQueryResult, Value};

use super::super::entity::{movement, reservation, stock};
use super::super::state::Status;
use super::super::{Movement, Reservation, Stock};
use super::columns;
use crate::db::{Conditions, Conn, Dialect};
use crate::kernel::Result;
use crate::kernel::id::{ProductId, StockId, StoreId};
use crate::kernel::page::{Page, PageRequest, cursor, read_cursor};
use crate::kernel::{Error, id::Id};

/// Which stock to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StockFilter {
    /// Of these stores.
    pub stores: Vec<StoreId>,
    /// Of this product.
    pub product: Option<ProductId>,
    /// That can be bought now, or cannot.
    pub in_stock: Option<bool>,
}

/// Which reservations to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReservationFilter {
    /// At these stores.
    pub stores: Vec<StoreId>,
    /// Of this product.
    pub product: Option<ProductId>,
    /// In this status.
    pub status: Option<Status>,
}

/// What a list selects from and how it is ordered: by a key, then by id.
struct Order {
    table: &'static str,
    columns: String,
    key: Option<&'static str>,
    descending: bool,
}

/// Stock by the name of its product.
pub async fn by_name(
    conn: &impl Conn,
    dialect: Dialect,
    filter: &StockFilter,
    page: &PageRequest,
) -> Result<Page<Stock>> {
    let mut conditions = in_stores(&filter.stores);
    conditions.always("NOT gone");
    if let Some(product) = filter.product {
        conditions.with("product_id = ?", [product.uuid().into()]);
    }
    if let Some(in_stock) = filter.in_stock {
        conditions.with("in_stock = ?", [in_stock.into()]);
    }
    let order = stock_by("product_name_key");
    let after = |key: &[u8]| Ok(String::from_utf8_lossy(key).into_owned().into());
    let (rows, total) = select(conn, dialect, conditions, &order, after, page).await?;
    Ok(page.finish(rows, total, |stock: &Stock| {
        cursor(stock.id, stock.product_name_key.as_bytes())
    }))
}

/// Stock at or below its reorder level, fewest pieces first.
pub async fn low(
    conn: &impl Conn,
    dialect: Dialect,
    stores: &[StoreId],
    page: &PageRequest,
) -> Result<Page<Stock>> {
    let mut conditions = in_stores(stores);
    conditions.always("reorder_level > 0 AND on_hand - reserved <= reorder_level AND NOT gone");
    let order = stock_by("(on_hand - reserved)");
    let after = |key: &[u8]| {
        let key: [u8; 4] = key.try_into().map_err(Error::internal)?;
        Ok(i32::from_be_bytes(key).into())
    };
    let (rows, total) = select(conn, dialect, conditions, &order, after, page).await?;
    Ok(page.finish(rows, total, |stock: &Stock| {
        cursor(stock.id, &stock.available().to_be_bytes())
    }))
}

/// The records of a store that changed last, the newest change first.
pub async fn changed_last(
    conn: &impl Conn,
    dialect: Dialect,
    store: StoreId,
    limit: usize,
) -> Result<Vec<Stock>> {
    let sql = format!(
        "SELECT {} FROM stock WHERE store_id = $1 AND NOT gone \
         ORDER BY updated_at DESC, id DESC LIMIT {limit}",
        columns::<stock::Entity>()
    );
    let statement = dialect.statement(sql, [store.uuid().into()]);
    Ok(stock::Entity::find()
        .from_raw_sql(statement)
        .all(conn)
        .await?)
}

/// The movements of a record, the newest first.
pub async fn movements(
    conn: &impl Conn,
    dialect: Dialect,
    stock: StockId,
    page: &PageRequest,
) -> Result<Page<Movement>> {
    let mut conditions = Conditions::default();
    conditions.with("stock_id = ?", [stock.uuid().into()]);
    let order = newest::<movement::Entity>("stock_movements");
    let (rows, total) = select(conn, dialect, conditions, &order, no_key, page).await?;
    Ok(page.finish(rows, total, |row: &Movement| cursor(row.id, &[])))
}

/// Reservations, the newest first.
pub async fn reservations(
    conn: &impl Conn,
    dialect: Dialect,
    filter: &ReservationFilter,
    page: &PageRequest,
) -> Result<Page<Reservation>> {
    let mut conditions = in_stores(&filter.stores);
    if let Some(product) = filter.product {
        conditions.with("product_id = ?", [product.uuid().into()]);
    }
    if let Some(status) = filter.status {
        conditions.with("status = ?", [status.as_str().into()]);
    }
    let order = newest::<reservation::Entity>("reservations");
    let (rows, total) = select(conn, dialect, conditions, &order, no_key, page).await?;
    Ok(page.finish(rows, total, |row: &Reservation| cursor(row.id, &[])))
}

fn in_stores(stores: &[StoreId]) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.one_of(
        "store_id",
        stores.iter().copied().map(Id::uuid).map(Value::from),
    );
    conditions
}

fn stock_by(key: &'static str) -> Order {
    Order {
        table: "stock",
        columns: columns::<stock::Entity>(),
        key: Some(key),
        descending: false,
    }
}

/// Ids grow with time, so the newest has the greatest.
fn newest<E: EntityTrait>(table: &'static str) -> Order {
    Order {
        table,
        columns: columns::<E>(),
        key: None,
        descending: true,
    }
}

fn no_key(_: &[u8]) -> Result<Value> {
    Ok(Value::Int(None))
}

/// The rows of a page and one more, and in page mode the number of all.
async fn select<R: FromQueryResult>(
    conn: &impl Conn,
    dialect: Dialect,
    mut conditions: Conditions,
    order: &Order,
    read_key: impl Fn(&[u8]) -> Result<Value>,
    page: &PageRequest,
) -> Result<(Vec<R>, Option<u64>)> {
    let table = order.table;
    let mut total = None;
    if page.is_numbered() {
        let sql = format!(
            "SELECT count(*) AS total FROM {table} WHERE {}",
            conditions.sql()
        );
        let row = conn
            .query_one_raw(dialect.statement(sql, conditions.values()))
            .await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "total"))?;
        total = Some(count.unsigned_abs());
    }
    if let Some(bytes) = page.cursor() {
        let (id, key) = read_cursor(bytes)?;
        let beyond = if order.descending { "<" } else { ">" };
        match order.key {
            Some(column) => conditions.with(
                &format!("({column}, id) {beyond} (?, ?)"),
                [read_key(key)?, id.into()],
            ),
            None => conditions.with(&format!("id {beyond} ?"), [id.into()]),
        }
    }
    let direction = if order.descending { " DESC" } else { "" };
    let key = order
        .key
        .map(|key| format!("{key}{direction}, "))
        .unwrap_or_default();
    let sql = format!(
        "SELECT {} FROM {table} WHERE {} ORDER BY {key}id{direction} LIMIT {} OFFSET {}",
        order.columns,
        conditions.sql(),
        page.limit + 1,
        page.offset()
    );
    let rows = conn
        .query_all_raw(dialect.statement(sql, conditions.values()))
        .await?;
    let rows = rows.iter().map(|row| R::from_query_result(row, ""));
    Ok((rows.collect::<Result<_, _>>()?, total))
}
