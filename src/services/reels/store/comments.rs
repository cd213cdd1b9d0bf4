//! Queries on comments.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QuerySelect, Select, Value,
};

use super::super::Comment;
use super::super::entity::comment;
use super::columns;
use super::lists::{Order, rows};
use crate::db::{Conditions, Conn, Dialect, Tx};
use crate::kernel::Result;
use crate::kernel::id::{ReelCommentId, ReelId, UserId};
use crate::kernel::page::PageRequest;

/// Reels whose newest comments one statement reads.
const REELS_AT_ONCE: usize = 50;

/// Which comments of a reel to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Hidden ones too.
    All,
    /// Those that are not hidden, and all of one author.
    By(Option<UserId>),
}

/// The comment, unless it is deleted, held until commit.
pub async fn lock(tx: &Tx, id: ReelCommentId) -> Result<Option<Comment>> {
    let query = kept().filter(comment::Column::Id.eq(id.uuid()));
    Ok(query.lock_exclusive().one(tx.conn()).await?)
}

/// The newest comments of each reel that everyone sees, `most` at the most, oldest first.
/// Each reel's are the end of an index, whatever the planner thinks of the others.
pub async fn newest(
    conn: &impl Conn,
    dialect: Dialect,
    reels: &[ReelId],
    most: usize,
) -> Result<Vec<Comment>> {
    let columns = columns::<comment::Entity>();
    let mut comments = Vec::new();
    for reels in reels.chunks(REELS_AT_ONCE) {
        let of_one = |place| {
            format!(
                "SELECT * FROM (SELECT {columns} FROM reel_comments \
                 WHERE reel_id = ${place} AND deleted_at IS NULL AND NOT hidden \
                 ORDER BY id DESC LIMIT {most}) newest"
            )
        };
        let parts: Vec<String> = (1..=reels.len()).map(of_one).collect();
        let sql = format!("{} ORDER BY id", parts.join(" UNION ALL "));
        let ids = reels.iter().map(|reel| reel.uuid().into());
        for row in conn.query_all_raw(dialect.statement(sql, ids)).await? {
            comments.push(Comment::from_query_result(&row, "")?);
        }
    }
    Ok(comments)
}

/// Adds a comment.
pub async fn insert(tx: &Tx, new: &Comment) -> Result<()> {
    let row = new.clone().into_active_model().reset_all();
    comment::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Writes a changed comment, which the caller has locked.
pub async fn save(tx: &Tx, changed: &Comment) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    row.update(tx.conn()).await?;
    Ok(())
}

/// The comments of a page and one more, newest first, and in page mode the number of all.
pub async fn page(
    conn: &impl Conn,
    dialect: Dialect,
    reel: ReelId,
    seen: Seen,
    page: &PageRequest,
) -> Result<(Vec<Comment>, Option<u64>)> {
    let mut conditions = Conditions::default();
    conditions.with("reel_id = ? AND deleted_at IS NULL", [reel.uuid().into()]);
    match seen {
        Seen::All => {}
        Seen::By(None) => conditions.always("NOT hidden"),
        Seen::By(Some(author)) => {
            conditions.with("(NOT hidden OR user_id = ?)", [author.uuid().into()]);
        }
    }
    rows::<comment::Entity>(conn, dialect, conditions, &Order::Newest, page).await
}

/// The comments of a user, held until commit.
pub async fn lock_of_user(tx: &Tx, user: UserId) -> Result<Vec<Comment>> {
    let query = kept().filter(comment::Column::UserId.eq(user.uuid()));
    Ok(query.lock_exclusive().all(tx.conn()).await?)
}

/// Deletes the comments of a user, which the caller has locked, and what they said, also
/// of those that were deleted or reported before; and what the user told moderators.
pub async fn forget_user(tx: &Tx, user: UserId) -> Result<()> {
    let (id, now) = (user.uuid(), tx.now().micros());
    let run = async |sql: &str, values: Vec<Value>| {
        let statement = tx.dialect().statement(sql, values);
        tx.conn().execute_raw(statement).await
    };
    run(
        "INSERT INTO reel_deltas (reel_id, liked, unliked, commented, uncommented, viewed) \
         SELECT reel_id, 0, 0, 0, count(*), 0 FROM reel_comments \
         WHERE user_id = $1 AND deleted_at IS NULL AND NOT hidden GROUP BY reel_id",
        vec![id.into()],
    )
    .await?;
    run(
        "UPDATE reel_comments SET content = '-', updated_at = $2, \
         version = CASE WHEN deleted_at IS NULL THEN version + 1 ELSE version END, \
         deleted_at = COALESCE(deleted_at, $2) WHERE user_id = $1",
        vec![id.into(), now.into()],
    )
    .await?;
    run(
        "UPDATE reel_reports SET content = '-' WHERE comment_id IN \
         (SELECT id FROM reel_comments WHERE user_id = $1)",
        vec![id.into()],
    )
    .await?;
    run(
        "UPDATE reel_reports SET note = '' WHERE reporter_id = $1",
        vec![id.into()],
    )
    .await?;
    Ok(())
}

fn kept() -> Select<comment::Entity> {
    comment::Entity::find().filter(comment::Column::DeletedAt.is_null())
}
