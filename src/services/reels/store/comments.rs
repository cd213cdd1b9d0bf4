//! Queries on comments.

use sea_orm::DbErr;
use serde_json::json;
use uuid::Uuid;

use super::super::live::Comment;
use crate::db::{Conn, Dialect, Kind};
use crate::kernel::id::ReelId;
use crate::kernel::{Result, Time};

/// The newest comments of each reel that everyone sees, `most` at the most, oldest first.
/// One statement.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn newest(
    conn: &impl Conn,
    dialect: Dialect,
    reels: &[ReelId],
    most: usize,
) -> Result<Vec<Comment>> {
    let sql = format!(
        "WITH want AS MATERIALIZED (SELECT wanted.id, COALESCE((SELECT c.id FROM reel_comments c \
                 WHERE c.reel_id = wanted.id AND c.deleted_at IS NULL AND NOT c.hidden \
                 ORDER BY c.id DESC LIMIT 1 OFFSET {}), $2) AS first \
             FROM {} AS wanted) \
         SELECT c.id, c.reel_id, c.user_id, c.content, c.edited, c.created_at, c.updated_at \
         FROM want JOIN reel_comments c ON c.reel_id = want.id AND c.id >= want.first \
         WHERE c.deleted_at IS NULL AND NOT c.hidden ORDER BY c.id",
        most.saturating_sub(1),
        dialect.table(&[("id", Kind::Id)], 1)
    );
    let ids = reels.iter().map(|reel| json!([reel.uuid().simple()]));
    let values = [Dialect::rows(ids), Uuid::nil().into()];
    let rows = conn.query_all_raw(dialect.statement(sql, values)).await?;
    let comments = rows.iter().map(|row| {
        let id = |column| row.try_get::<Uuid>("", column);
        let time = |column| row.try_get("", column).map(Time::from_micros);
        Ok(Comment {
            id: id("id")?.into(),
            reel: id("reel_id")?.into(),
            user: id("user_id")?.into(),
            content: row.try_get("", "content")?,
            edited: row.try_get("", "edited")?,
            created_at: time("created_at")?,
            updated_at: time("updated_at")?,
        })
    });
    Ok(comments.collect::<Result<_, DbErr>>()?)
}
