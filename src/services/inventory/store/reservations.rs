//! Queries on reservations.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, Value,
};

use super::super::Reservation;
use super::super::entity::reservation;
use super::super::reserve::Which;
use super::super::state::Status;
use crate::db::{Tx, is_foreign_key_violation};
use crate::kernel::id::UserId;
use crate::kernel::{Error, Result, Time};

/// How many reservations a user holds.
pub async fn count_held(tx: &Tx, user: UserId) -> Result<u64> {
    Ok(reservation::Entity::find()
        .filter(reservation::Column::UserId.eq(user.uuid()))
        .filter(reservation::Column::Status.eq(Status::Reserved.as_str()))
        .count(tx.conn())
        .await?)
}

/// Adds new reservations.
///
/// # Errors
/// NOT_FOUND when there is no such user.
pub async fn insert(tx: &Tx, new: &[Reservation]) -> Result<()> {
    let rows = new
        .iter()
        .cloned()
        .map(|row| row.into_active_model().reset_all());
    let added = reservation::Entity::insert_many(rows);
    match added.exec_without_returning(tx.conn()).await {
        Ok(_) => Ok(()),
        Err(error) if is_foreign_key_violation(&error) => {
            Err(Error::not_found("user").caused_by(error))
        }
        Err(error) => Err(error.into()),
    }
}

/// Those that are still kept, in any status.
pub async fn find(tx: &Tx, which: Which) -> Result<Vec<Reservation>> {
    let found = reservation::Entity::find().filter(match which {
        Which::Order(order) => reservation::Column::OrderId.eq(order.uuid()),
        Which::One(id) => reservation::Column::Id.eq(id.uuid()),
    });
    Ok(found.all(tx.conn()).await?)
}

/// Ends those that are still open, and answers them. To be used, their time must not be
/// over; to be given back, it does not matter.
pub async fn end(tx: &Tx, which: Which, end: Status) -> Result<Vec<Reservation>> {
    let (column, id) = match which {
        Which::Order(order) => ("order_id", order.uuid()),
        Which::One(id) => ("id", id.uuid()),
    };
    let in_time = if end == Status::Used {
        " AND expires_at > $2"
    } else {
        ""
    };
    let sql = format!(
        "UPDATE reservations SET status = $3, ended_at = $2 \
         WHERE {column} = $1 AND status = 'RESERVED'{in_time} RETURNING {}",
        columns()
    );
    let now = tx.now().micros();
    returned(tx, sql, vec![id.into(), now.into(), end.as_str().into()]).await
}

/// Ends up to `limit` whose time is over, and answers them. Rows that another process is
/// ending are left to it.
pub async fn expire(tx: &Tx, limit: u64) -> Result<Vec<Reservation>> {
    let sql = format!(
        "WITH due AS MATERIALIZED (SELECT id FROM reservations \
             WHERE status = 'RESERVED' AND expires_at <= $1 \
             ORDER BY expires_at, id LIMIT {limit}{lock}) \
         UPDATE reservations SET status = 'EXPIRED', ended_at = $1 \
         WHERE id IN (SELECT id FROM due) AND status = 'RESERVED' RETURNING {columns}",
        lock = tx.dialect().for_update_skip_locked(),
        columns = columns()
    );
    returned(tx, sql, vec![tx.now().micros().into()]).await
}

/// Removes those that ended before `horizon`; answers how many.
pub async fn purge(tx: &Tx, horizon: Time) -> Result<u64> {
    let done = reservation::Entity::delete_many()
        .filter(reservation::Column::EndedAt.lt(horizon.micros()))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

async fn returned(tx: &Tx, sql: String, values: Vec<Value>) -> Result<Vec<Reservation>> {
    let statement = tx.dialect().statement(sql, values);
    Ok(reservation::Entity::find()
        .from_raw_sql(statement)
        .all(tx.conn())
        .await?)
}

fn columns() -> String {
    super::columns::<reservation::Entity>()
}
