//! Every query on tables of rates.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::entity::{Column, Entity, Model};
use super::tariff::RateTable;
use crate::db::{Conn, Tx};
use crate::kernel::Result;

/// The table with this id; an empty one when nobody has set it.
pub(super) async fn find(conn: &impl Conn, id: Uuid) -> Result<RateTable> {
    let Some(row) = Entity::find_by_id(id).one(conn).await? else {
        return Ok(RateTable::default());
    };
    Ok(RateTable {
        rates: RateTable::rates_from_json(&row.rates)?,
        flat: row.flat,
        free_from: row.free_from,
    })
}

/// Puts a table in the place of the one before; gives its version.
pub(super) async fn put(tx: &Tx, id: Uuid, table: &RateTable) -> Result<i64> {
    let row = Model {
        id,
        store_id: Some(id).filter(|id| !id.is_nil()),
        rates: table.rates_to_json(),
        flat: table.flat,
        free_from: table.free_from,
        version: 1,
        updated_at: tx.now().micros(),
    };
    let next = Expr::col((Entity, Column::Version)).add(1);
    let replace = OnConflict::column(Column::Id)
        .update_columns([
            Column::Rates,
            Column::Flat,
            Column::FreeFrom,
            Column::UpdatedAt,
        ])
        .value(Column::Version, next)
        .to_owned();
    let kept = Entity::insert(row.into_active_model())
        .on_conflict(replace)
        .exec_with_returning(tx.conn())
        .await?;
    Ok(kept.version)
}
