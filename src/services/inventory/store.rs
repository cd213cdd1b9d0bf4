//! Every query on stock and its movements.

pub mod lists;
pub mod reservations;
pub mod shift;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, Iden, IntoActiveModel, Iterable, QueryFilter,
    QuerySelect, Select,
};

use super::Stock;
use super::entity::stock;
use crate::db::{Conn, Tx, is_check_violation, unique_violation};
use crate::kernel::id::{ProductId, StockId};
use crate::kernel::{Error, Reason, Result};

/// The record with this id, unless its product is deleted.
pub async fn find(conn: &impl Conn, id: StockId) -> Result<Option<Stock>> {
    Ok(kept()
        .filter(stock::Column::Id.eq(id.uuid()))
        .one(conn)
        .await?)
}

/// Like [`find`], and holds the row until commit.
pub async fn lock(tx: &Tx, id: StockId) -> Result<Option<Stock>> {
    let query = kept().filter(stock::Column::Id.eq(id.uuid()));
    Ok(query.lock_exclusive().one(tx.conn()).await?)
}

/// The record of a product, held until commit.
pub async fn lock_of_product(tx: &Tx, product: ProductId) -> Result<Option<Stock>> {
    let query = kept().filter(stock::Column::ProductId.eq(product.uuid()));
    Ok(query.lock_exclusive().one(tx.conn()).await?)
}

/// The records of these products.
pub async fn of_products(
    conn: &impl Conn,
    products: impl IntoIterator<Item = ProductId>,
) -> Result<Vec<Stock>> {
    let products = products.into_iter().map(ProductId::uuid);
    let query = kept().filter(stock::Column::ProductId.is_in(products));
    Ok(query.all(conn).await?)
}

/// Adds a record.
///
/// # Errors
/// CONFLICT when the product has one already.
pub async fn insert(tx: &Tx, new: &Stock) -> Result<()> {
    let row = new.clone().into_active_model().reset_all();
    match stock::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if unique_violation(&error).is_some() => Err(Error::new(
            Reason::Conflict,
            "the stock record was made by someone else meanwhile",
        )
        .caused_by(error)),
        Err(error) => Err(error.into()),
    }
}

/// Writes a changed record, which the caller has locked.
///
/// # Errors
/// CONFLICT when fewer pieces would be on hand than are reserved.
pub async fn save(tx: &Tx, changed: &Stock) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    match row.update(tx.conn()).await {
        Ok(_) => Ok(()),
        Err(error) if is_check_violation(&error) => Err(Error::new(
            Reason::Conflict,
            "fewer pieces would be on hand than are reserved",
        )
        .at("onHand")
        .with("reserved", changed.reserved)
        .caused_by(error)),
        Err(error) => Err(error.into()),
    }
}

fn kept() -> Select<stock::Entity> {
    stock::Entity::find().filter(stock::Column::Gone.eq(false))
}

/// The columns of a table, as a select or RETURNING list that both databases read.
fn columns<E: EntityTrait>() -> String {
    let table = E::default();
    let table = table.table_name();
    E::Column::iter()
        .map(|column| {
            let name = column.to_string();
            format!("{table}.{name} AS {name}")
        })
        .collect::<Vec<_>>()
        .join(", ")
}
