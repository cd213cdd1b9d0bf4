//! Every query on files.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::uses::Named;
use crate::db::{Conn, Tx};
use crate::kernel::Result;
use crate::kernel::id::{MediaId, UserId};

/// What is read of a file.
#[derive(Debug, FromQueryResult)]
pub struct Row {
    pub id: Uuid,
    pub purpose: String,
    pub status: String,
    pub key: String,
    pub thumbnail_key: String,
    pub size: i64,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub duration_ms: Option<i32>,
}

/// Counts one more use of a checked file of a user, and holds it until commit.
pub async fn attach(tx: &Tx, owner: UserId, file: &Named) -> Result<Option<Row>> {
    let (column, value) = match file {
        Named::Id(id) => ("id", id.uuid().into()),
        Named::Key(key) => ("key", key.as_str().into()),
    };
    let sql = format!(
        "UPDATE media SET uses = uses + 1, unused_since = NULL, updated_at = $1 \
         WHERE {column} = $2 AND owner_id = $3 AND status IN ('PROCESSING', 'READY') \
         RETURNING id, purpose, status, key, thumbnail_key, size, width, height, duration_ms"
    );
    let values = [tx.now().micros().into(), value, owner.uuid().into()];
    let statement = tx.dialect().statement(sql, values);
    let rows = tx.conn().query_all_raw(statement).await?;
    let found = rows.first().map(|row| Row::from_query_result(row, ""));
    Ok(found.transpose()?)
}

/// Counts one use less.
pub async fn release(tx: &Tx, file: MediaId) -> Result<()> {
    let sql = "UPDATE media SET uses = uses - 1, updated_at = $1, \
               unused_since = CASE WHEN uses = 1 THEN $1 ELSE unused_since END \
               WHERE id = $2 AND uses > 0";
    let values = [tx.now().micros().into(), file.uuid().into()];
    tx.conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(())
}
