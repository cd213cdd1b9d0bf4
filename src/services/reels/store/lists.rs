//! Lists of reels, each on an index of its order, and which of them somebody likes.

use std::collections::HashSet;

use sea_orm::{EntityTrait, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::super::list::{Among, Filter};
use super::super::reel::Listed;
use super::{BESIDE, LISTED, listed, listed_columns};
use crate::db::{Conditions, Conn, Dialect};
use crate::kernel::Result;
use crate::kernel::id::{ReelId, StoreId, UserId};
use crate::kernel::page::{PageRequest, read_cursor};

/// The reels of a page and one more, newest first, and in page mode the number of all.
pub async fn reels(
    conn: &impl Conn,
    dialect: Dialect,
    filter: &Filter,
    page: &PageRequest,
) -> Result<(Vec<Listed>, Option<u64>)> {
    let total = count(conn, dialect, LISTED, &conditions(filter), page).await?;
    let rows = conn.query_all_raw(page_of(dialect, filter, page)?).await?;
    Ok((rows.iter().map(listed).collect::<Result<_>>()?, total))
}

/// The statement that reads a page.
pub fn page_of(dialect: Dialect, filter: &Filter, page: &PageRequest) -> Result<Statement> {
    let mut conditions = conditions(filter);
    newest_after(&mut conditions, "reels.id", page)?;
    let sql = format!(
        "SELECT {} FROM {LISTED} WHERE {} ORDER BY reels.id DESC LIMIT {} OFFSET {}",
        listed_columns(),
        conditions.sql(),
        page.limit + 1,
        page.offset()
    );
    Ok(dialect.statement(sql, conditions.values()))
}

fn conditions(filter: &Filter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.always(BESIDE);
    conditions.always("reels.deleted_at IS NULL");
    match &filter.among {
        // In these words, so that the partial index is used.
        Among::Out { sight } => {
            conditions.always("reels.status = 'READY' AND NOT reels.hidden");
            conditions.always("products.status = 'ACTIVE' AND products.store_visible");
            sight.narrow(&mut conditions);
        }
        Among::OfStores { stores, status } => {
            let stores = stores.iter().map(|store| store.uuid().into());
            conditions.one_of("reels.store_id", stores);
            if let Some(status) = status {
                conditions.with("reels.status = ?", [status.as_str().into()]);
            }
        }
    }
    let named = [
        ("reels.store_id = ?", filter.store.map(StoreId::uuid)),
        ("reels.product_id = ?", filter.product.map(|id| id.uuid())),
        ("reels.seller_id = ?", filter.seller.map(UserId::uuid)),
    ];
    for (condition, id) in named {
        if let Some(id) = id {
            conditions.with(condition, [id.into()]);
        }
    }
    conditions
}

/// Those of the reels that a user likes. One statement.
pub async fn liked(conn: &impl Conn, user: UserId, reels: &[ReelId]) -> Result<HashSet<ReelId>> {
    if reels.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = format!(
        "SELECT reel_id FROM reel_likes WHERE user_id = $1 AND reel_id IN ({})",
        Dialect::placeholders(2, reels.len())
    );
    let ids = reels.iter().map(|reel| reel.uuid());
    let values = std::iter::once(user.uuid()).chain(ids).map(Value::from);
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let rows = conn.query_all_raw(statement).await?;
    let liked = rows.iter().map(|row| row.try_get::<Uuid>("", "reel_id"));
    Ok(liked
        .map(|id| id.map(ReelId::from))
        .collect::<Result<_, _>>()?)
}

/// Continues a list that is ordered by id, the newest first.
pub(super) fn newest_after(
    conditions: &mut Conditions,
    column: &str,
    page: &PageRequest,
) -> Result<()> {
    if let Some(bytes) = page.cursor() {
        let (id, _) = read_cursor(bytes)?;
        conditions.with(&format!("{column} < ?"), [id.into()]);
    }
    Ok(())
}

/// In page mode, how many rows there are.
pub(super) async fn count(
    conn: &impl Conn,
    dialect: Dialect,
    tables: &str,
    conditions: &Conditions,
    page: &PageRequest,
) -> Result<Option<u64>> {
    if !page.is_numbered() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT count(*) AS total FROM {tables} WHERE {}",
        conditions.sql()
    );
    let row = conn
        .query_one_raw(dialect.statement(sql, conditions.values()))
        .await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "total"))?;
    Ok(Some(count.unsigned_abs()))
}

/// How the rows of one table are ordered in a list.
pub(super) enum Order {
    /// By id, the newest first.
    Newest,
    /// By id, the oldest first.
    Oldest,
    /// By a text that each row has alone.
    Text(&'static str),
}

/// The rows of a page of one table and one more, and in page mode the number of all.
pub(super) async fn rows<E: EntityTrait>(
    conn: &impl Conn,
    dialect: Dialect,
    mut conditions: Conditions,
    order: &Order,
    page: &PageRequest,
) -> Result<(Vec<E::Model>, Option<u64>)>
where
    E::Model: FromQueryResult,
{
    let entity = E::default();
    let table = entity.table_name();
    let total = count(conn, dialect, table, &conditions, page).await?;
    let order = match order {
        Order::Newest => {
            newest_after(&mut conditions, "id", page)?;
            "id DESC"
        }
        Order::Oldest => {
            if let Some(bytes) = page.cursor() {
                conditions.with("id > ?", [read_cursor(bytes)?.0.into()]);
            }
            "id"
        }
        Order::Text(column) => {
            if let Some(bytes) = page.cursor() {
                let text = String::from_utf8_lossy(bytes).into_owned();
                conditions.with(&format!("{column} > ?"), [text.into()]);
            }
            column
        }
    };
    let sql = format!(
        "SELECT {} FROM {table} WHERE {} ORDER BY {order} LIMIT {} OFFSET {}",
        super::columns::<E>(),
        conditions.sql(),
        page.limit + 1,
        page.offset()
    );
    let statement = dialect.statement(sql, conditions.values());
    let found = E::find().from_raw_sql(statement).all(conn).await?;
    Ok((found, total))
}
