//! Every query of carts.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, Condition, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QuerySelect, Set, Statement,
};
use uuid::Uuid;

use super::entity::{cart, line};
use super::model::Line;
use crate::db::{Conn, Tx};
use crate::kernel::id::{CartLineId, StoreId, UserId};
use crate::kernel::{Error, Reason, Result, Time};

/// Marks the cart as changed now and holds it until the commit: changes of one cart take
/// turns.
pub(super) async fn touch(tx: &Tx, user: UserId) -> Result<()> {
    let row = cart::Model {
        user_id: user.uuid(),
        updated_at: tx.now().micros(),
    };
    let again = OnConflict::column(cart::Column::UserId)
        .update_column(cart::Column::UpdatedAt)
        .to_owned();
    cart::Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// A cart with its lines, when there are any.
#[derive(FromQueryResult)]
struct CartRow {
    updated_at: i64,
    id: Option<Uuid>,
    product_id: Option<Uuid>,
    store_id: Option<Uuid>,
    quantity: Option<i32>,
    price_at_add: Option<i64>,
    added_at: Option<i64>,
    reel_id: Option<Uuid>,
}

/// When the cart last changed (nothing for a cart that was never used), and its lines,
/// oldest first; only those of a store when it is named. One statement.
pub(super) async fn read(
    conn: &impl Conn,
    user: UserId,
    store: Option<StoreId>,
) -> Result<(Option<Time>, Vec<Line>)> {
    let of_store = if store.is_some() {
        " AND cart_lines.store_id = $2"
    } else {
        ""
    };
    let sql = format!(
        "SELECT carts.updated_at, cart_lines.id, product_id, store_id, quantity, price_at_add, \
         added_at, reel_id FROM carts LEFT JOIN cart_lines ON cart_lines.user_id = carts.user_id{of_store} \
         WHERE carts.user_id = $1 ORDER BY added_at, cart_lines.id"
    );
    let values = [Some(user.uuid()), store.map(Into::into)]
        .into_iter()
        .flatten();
    let values = values.map(sea_orm::Value::from);
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let rows = CartRow::find_by_statement(statement).all(conn).await?;
    let updated_at = rows.first().map(|row| Time::from_micros(row.updated_at));
    Ok((updated_at, rows.into_iter().filter_map(line_of).collect()))
}

/// A cart without lines is one row without a line.
fn line_of(row: CartRow) -> Option<Line> {
    Some(Line {
        id: row.id?.into(),
        product: row.product_id?.into(),
        store: row.store_id?.into(),
        quantity: row.quantity?,
        price_at_add: row.price_at_add?,
        added_at: Time::from_micros(row.added_at?),
        reel: row.reel_id.map(Into::into),
    })
}

/// How many lines and how many pieces a cart has.
pub(super) async fn count(conn: &impl Conn, user: UserId) -> Result<(i64, i64)> {
    let found: Option<(i64, Option<i64>)> = line::Entity::find()
        .select_only()
        .column_as(line::COLUMN.id.count(), "lines")
        .column_as(
            // PostgreSQL sums whole numbers into decimals.
            Expr::col(line::Column::Quantity).sum().cast_as("bigint"),
            "pieces",
        )
        .filter(of(user, None))
        .into_tuple()
        .one(conn)
        .await?;
    let (lines, pieces) = found.unwrap_or_default();
    Ok((lines, pieces.unwrap_or_default()))
}

/// Adds a line.
pub(super) async fn insert(tx: &Tx, user: UserId, new: &Line) -> Result<()> {
    let row = line::Model {
        id: new.id.uuid(),
        user_id: user.uuid(),
        product_id: new.product.uuid(),
        store_id: new.store.uuid(),
        quantity: new.quantity,
        price_at_add: new.price_at_add,
        added_at: new.added_at.micros(),
        reel_id: new.reel.map(Into::into),
    };
    line::Entity::insert(row.into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Writes quantity, price and reel of a line of a held cart.
pub(super) async fn save(tx: &Tx, changed: &Line) -> Result<()> {
    line::ActiveModel {
        id: Set(changed.id.uuid()),
        quantity: Set(changed.quantity),
        price_at_add: Set(changed.price_at_add),
        reel_id: Set(changed.reel.map(Into::into)),
        ..Default::default()
    }
    .update(tx.conn())
    .await?;
    Ok(())
}

/// Removes all lines, or those of a store.
pub(super) async fn clear(tx: &Tx, user: UserId, store: Option<StoreId>) -> Result<()> {
    line::Entity::delete_many()
        .filter(of(user, store))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Removes lines, all of which must still be there.
///
/// # Errors
/// CONFLICT when one is gone: somebody else ordered or removed it meanwhile.
pub(super) async fn remove(tx: &Tx, user: UserId, ids: &[CartLineId]) -> Result<()> {
    let removed = line::Entity::delete_many()
        .filter(of(user, None))
        .filter(line::COLUMN.id.is_in(ids.iter().map(|id| id.uuid())))
        .exec(tx.conn())
        .await?;
    if removed.rows_affected == ids.len() as u64 {
        return Ok(());
    }
    Err(Error::new(
        Reason::Conflict,
        "the cart has changed meanwhile, try again",
    ))
}

fn of(user: UserId, store: Option<StoreId>) -> Condition {
    let store: Option<Uuid> = store.map(Into::into);
    Condition::all()
        .add(line::COLUMN.user_id.eq(user.uuid()))
        .add_option(store.map(|store| line::COLUMN.store_id.eq(store)))
}
