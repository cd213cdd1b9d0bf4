//! Queries on reports.

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Select,
};

use super::super::Report;
use super::super::entity::report;
use super::super::moderation::Target;
use super::super::state::ReportStatus;
use super::lists::{Order, rows};
use crate::db::{Conditions, Conn, Dialect, Tx};
use crate::kernel::Result;
use crate::kernel::id::{ReelReportId, UserId};
use crate::kernel::page::PageRequest;

/// The report, held until commit.
pub async fn lock(tx: &Tx, id: ReelReportId) -> Result<Option<Report>> {
    let query = report::Entity::find_by_id(id.uuid());
    Ok(query.lock_exclusive().one(tx.conn()).await?)
}

/// The open report of one reporter.
pub async fn open_of(tx: &Tx, target: Target, reporter: UserId) -> Result<Option<Report>> {
    let query = open(target).filter(report::Column::ReporterId.eq(reporter.uuid()));
    Ok(query.one(tx.conn()).await?)
}

/// Adds a report, unless its reporter has an open one; says whether it did.
pub async fn insert(tx: &Tx, new: &Report) -> Result<bool> {
    let row = new.clone().into_active_model().reset_all();
    let added = report::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(added == 1)
}

/// Writes a changed report, which the caller has locked.
pub async fn save(tx: &Tx, changed: &Report) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    row.update(tx.conn()).await?;
    Ok(())
}

/// Upholds the open reports of what a moderator hides.
pub async fn uphold(tx: &Tx, target: Target, moderator: Option<UserId>) -> Result<()> {
    let which = match target {
        Target::Reel(_) => "reel_id = $3 AND comment_id IS NULL",
        Target::Comment(_) => "comment_id = $3 AND comment_id IS NOT NULL",
    };
    let sql = format!(
        "UPDATE reel_reports SET status = 'UPHELD', resolved_by = $1, resolved_at = $2 \
         WHERE {which} AND status = 'OPEN'"
    );
    let values = [
        moderator.map(UserId::uuid).into(),
        tx.now().micros().into(),
        target.uuid().into(),
    ];
    tx.conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(())
}

/// The reports of a page and one more, oldest first, and in page mode the number of all.
pub async fn page(
    conn: &impl Conn,
    dialect: Dialect,
    status: Option<ReportStatus>,
    page: &PageRequest,
) -> Result<(Vec<Report>, Option<u64>)> {
    let mut conditions = Conditions::default();
    if let Some(status) = status {
        conditions.with("status = ?", [status.as_str().into()]);
    }
    rows::<report::Entity>(conn, dialect, conditions, &Order::Oldest, page).await
}

fn open(target: Target) -> Select<report::Entity> {
    let found =
        report::Entity::find().filter(report::Column::Status.eq(ReportStatus::Open.as_str()));
    match target {
        Target::Reel(reel) => found
            .filter(report::Column::ReelId.eq(reel.uuid()))
            .filter(report::Column::CommentId.is_null()),
        Target::Comment(comment) => found.filter(report::Column::CommentId.eq(comment.uuid())),
    }
}
