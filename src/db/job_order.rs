//! Jobs that share a key run one after the other, in the order of their commits.
//!
//! Of the jobs of a key that wait or run, one is free to run; the others are blocked.
//! Whoever adds a job of the key, or ends or removes the free one, holds the key until its
//! commit, so that neither can miss the other, and numbers follow the order of commits.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::dialect::Dialect;
use super::tx::Tx;
use crate::kernel::Result;

/// Holds a key until the transaction ends.
///
/// # Errors
/// CONFLICT when another transaction does not let go of it in time.
pub async fn hold(tx: &Tx, key: &str) -> Result<()> {
    tx.take_turns(&format!("jobs/{key}")).await
}

/// Holds the keys, and gives the number of the last job of each that has one.
pub(super) async fn last_numbers(tx: &Tx, keys: &BTreeSet<&str>) -> Result<HashMap<String, i64>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    // In one order, so that no two transactions wait for each other.
    for key in keys {
        hold(tx, key).await?;
    }
    let sql = format!(
        "SELECT order_key, max(order_number) AS last FROM jobs \
         WHERE order_key IN ({}) GROUP BY order_key",
        Dialect::placeholders(1, keys.len())
    );
    let values = keys.iter().map(|key| Value::from(*key));
    let statement = tx.dialect().statement(sql, values);
    let rows = tx.conn().query_all_raw(statement).await?;
    let numbers = rows
        .iter()
        .map(|row| Ok((row.try_get("", "order_key")?, row.try_get("", "last")?)));
    Ok(numbers.collect::<Result<_, DbErr>>()?)
}

/// Lets the next job of a key go, unless one of it is free already. The key must be held.
///
/// # Errors
/// Those of the database.
pub async fn let_next_go(tx: &Tx, key: &str) -> Result<()> {
    let sql = "UPDATE jobs SET blocked = FALSE \
               WHERE id = (SELECT next.id FROM jobs next \
                           WHERE next.order_key = $1 AND next.blocked \
                           ORDER BY next.order_number LIMIT 1) \
               AND NOT EXISTS (SELECT 1 FROM jobs free WHERE free.order_key = $1 \
                               AND NOT free.blocked AND free.state IN ('PENDING', 'RUNNING'))";
    let statement = tx.dialect().statement(sql, [key.into()]);
    tx.conn().execute_raw(statement).await?;
    Ok(())
}
