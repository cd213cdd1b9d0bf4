//! The counts of reels beside their rows.

use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::ReelId;

/// A reel whose counts are not what its rows say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Wrong {
    pub(in super::super) reel: ReelId,
    /// Likes that are missing from the count; below zero when too many are counted.
    pub(in super::super) likes: i64,
    /// The same of comments.
    pub(in super::super) comments: i64,
}

/// Compares the counts of the next reels after `after`, `limit` at the most, with their
/// rows, in one snapshot. Gives the wrong ones, and the last reel that was compared.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn compare(
    tx: &Tx,
    after: Option<ReelId>,
    limit: usize,
) -> Result<(Vec<Wrong>, Option<ReelId>)> {
    let counted = |more: &str, less: &str| {
        format!(
            "COALESCE((SELECT {more} - {less} FROM reel_stats s WHERE s.reel_id = reels.id), 0) \
             + COALESCE((SELECT SUM({more}) - SUM({less}) FROM reel_deltas d \
                         WHERE d.reel_id = reels.id), 0)"
        )
    };
    let sql = format!(
        "SELECT id, \
             CAST((SELECT count(*) FROM reel_likes l WHERE l.reel_id = reels.id) \
                  - ({likes}) AS bigint) AS likes, \
             CAST((SELECT count(*) FROM reel_comments c WHERE c.reel_id = reels.id \
                   AND c.deleted_at IS NULL AND NOT c.hidden) - ({comments}) AS bigint) \
                  AS comments \
         FROM reels WHERE id > $1 ORDER BY id LIMIT {limit}",
        likes = counted("liked", "unliked"),
        comments = counted("commented", "uncommented"),
    );
    let after = after.map_or(Uuid::nil(), ReelId::uuid);
    let statement = tx.dialect().statement(sql, [after.into()]);
    let rows = tx.conn().query_all_raw(statement).await?;
    let compared = rows.iter().map(|row| {
        Ok(Wrong {
            reel: row.try_get::<Uuid>("", "id")?.into(),
            likes: row.try_get("", "likes")?,
            comments: row.try_get("", "comments")?,
        })
    });
    let mut compared: Vec<Wrong> = compared.collect::<Result<_, DbErr>>()?;
    let last = compared.last().map(|wrong| wrong.reel);
    compared.retain(|wrong| (wrong.likes, wrong.comments) != (0, 0));
    Ok((compared, last))
}
