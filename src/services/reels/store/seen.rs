//! The one query that decides who sees a reel.

use super::super::seen::Seen;
use crate::db::{Conn, Db};
use crate::kernel::Result;
use crate::kernel::id::ReelId;

/// The reel, unless it is deleted.
pub(in super::super) async fn find(db: &Db, id: ReelId) -> Result<Option<Seen>> {
    let sql = "SELECT product_id, store_id, seller_id, status = 'READY' AND NOT hidden AS shown \
               FROM reels WHERE id = $1 AND deleted_at IS NULL";
    let statement = db.dialect().statement(sql, [id.uuid().into()]);
    let Some(row) = db.read().query_one_raw(statement).await? else {
        return Ok(None);
    };
    let id = |column| row.try_get::<uuid::Uuid>("", column);
    Ok(Some(Seen {
        product: id("product_id")?.into(),
        store: id("store_id")?.into(),
        seller: id("seller_id")?.into(),
        is_shown: row.try_get("", "shown")?,
    }))
}
