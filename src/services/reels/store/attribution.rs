//! Which product a reel shows.

use std::collections::HashMap;

use sea_orm::Statement;
use uuid::Uuid;

use crate::db::{Conn, Dialect};
use crate::kernel::Result;
use crate::kernel::id::{ProductId, ReelId};

/// The products of reels that were published once, hidden and deleted ones too.
pub async fn products_of(conn: &impl Conn, reels: &[ReelId]) -> Result<HashMap<ReelId, ProductId>> {
    let sql = format!(
        "SELECT id, product_id FROM reels WHERE published_at IS NOT NULL AND id IN ({})",
        Dialect::placeholders(1, reels.len())
    );
    let ids = reels.iter().map(|reel| reel.uuid().into());
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, ids);
    let rows = conn.query_all_raw(statement).await?;
    let pairs = rows.iter().map(|row| {
        let reel: Uuid = row.try_get("", "id")?;
        let product: Uuid = row.try_get("", "product_id")?;
        Ok((reel.into(), product.into()))
    });
    pairs.collect()
}
