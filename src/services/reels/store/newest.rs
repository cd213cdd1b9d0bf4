//! The newest comments of reels that are watched.

use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;

use super::super::live::Comment;
use crate::db::{Conn, Dialect};
use crate::kernel::id::ReelId;
use crate::kernel::{Result, Time};

/// Reels that one statement asks about.
const BATCH: usize = 50;

/// The newest comments of each reel that everyone sees, `most` at the most, oldest first.
/// Each reel's are the end of an index, whatever the planner thinks of the others.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn newest(
    conn: &impl Conn,
    dialect: Dialect,
    reels: &[ReelId],
    most: usize,
) -> Result<Vec<Comment>> {
    let mut comments = Vec::new();
    for reels in reels.chunks(BATCH) {
        let of_one = |place| {
            format!(
                "SELECT * FROM (SELECT id, reel_id, user_id, content, edited, created_at, \
                 updated_at FROM reel_comments \
                 WHERE reel_id = ${place} AND deleted_at IS NULL AND NOT hidden \
                 ORDER BY id DESC LIMIT {most}) newest"
            )
        };
        let parts: Vec<String> = (1..=reels.len()).map(of_one).collect();
        let sql = format!("{} ORDER BY id", parts.join(" UNION ALL "));
        let ids = reels.iter().map(|reel| reel.uuid().into());
        let rows = conn.query_all_raw(dialect.statement(sql, ids)).await?;
        let found = rows.iter().map(comment);
        comments.extend(found.collect::<Result<Vec<_>, DbErr>>()?);
    }
    Ok(comments)
}

fn comment(row: &QueryResult) -> Result<Comment, DbErr> {
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
}
