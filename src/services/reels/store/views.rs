//! Every query on views.

use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

use super::super::views::View;
use super::stats::Deltas;
use crate::db::{Dialect, Kind, Tx};
use crate::kernel::Result;

/// Adds views that nobody counted yet, and answers how many of each reel they were.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn add(tx: &Tx, views: &[View]) -> Result<Deltas> {
    let columns = [
        ("reel_id", Kind::Id),
        ("hour", Kind::Number),
        ("viewer", Kind::Text),
    ];
    let sql = format!(
        "INSERT INTO reel_views (reel_id, hour, viewer) \
         SELECT reels.id, want.hour, want.viewer FROM {} AS want \
         JOIN reels ON reels.id = want.reel_id WHERE reels.deleted_at IS NULL \
         ORDER BY reels.id, want.hour, want.viewer \
         ON CONFLICT DO NOTHING RETURNING reel_id",
        tx.dialect().table(&columns, 1)
    );
    let rows = views
        .iter()
        .map(|view| json!([view.reel.uuid().simple(), view.hour, &*view.viewer]));
    let statement = tx.dialect().statement(sql, [Dialect::rows(rows)]);
    let added = tx.conn().query_all_raw(statement).await?;
    let mut deltas = Deltas::new();
    for row in &added {
        let reel: Uuid = row.try_get("", "reel_id")?;
        deltas.entry(reel.into()).or_default().viewed += 1;
    }
    Ok(deltas)
}

/// Forgets views of the hours before `hour`, `limit` at the most; says how many it was.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn purge(tx: &Tx, hour: i64, limit: u64) -> Result<u64> {
    let sql = format!(
        "DELETE FROM reel_views WHERE (reel_id, hour, viewer) IN (\
             SELECT reel_id, hour, viewer FROM reel_views WHERE hour < $1 LIMIT {limit})"
    );
    let statement = tx.dialect().statement(sql, [hour.into()]);
    Ok(tx.conn().execute_raw(statement).await?.rows_affected())
}
