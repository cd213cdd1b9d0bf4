//! The one statement that changes `on_hand` and `reserved` of stock that is there.

use sea_orm::{EntityTrait, Value};

use super::super::Stock;
use super::super::change::{Cause, Shift};
use super::super::entity::stock;
use crate::db::{Dialect, Tx, is_check_violation};
use crate::kernel::id::MovementId;
use crate::kernel::{Error, Result};

const COLUMNS: usize = 5;

/// Applies each shift whose stock has the pieces, and answers the records after the
/// change. A shift whose record is missing, or would leave less than nothing available,
/// or is not for sale although the cause is a buyer, is not among them: the caller
/// compares the numbers and rolls back.
///
/// Rows are locked by store and id, whatever the order of the shifts, so that
/// two calls never wait for each other in a circle.
pub async fn apply(tx: &Tx, shifts: &[Shift], cause: &Cause) -> Result<Vec<Stock>> {
    if shifts.is_empty() {
        return Ok(Vec::new());
    }
    let mut values: Vec<Value> = vec![
        tx.now().micros().into(),
        cause.reason.as_str().into(),
        cause.order.map(|order| order.uuid()).into(),
        cause.actor.map(|actor| actor.uuid()).into(),
        cause.note.clone().into(),
    ];
    let mut rows = Vec::with_capacity(shifts.len());
    for shift in shifts {
        rows.push(format!(
            "({})",
            Dialect::placeholders(values.len() + 1, COLUMNS)
        ));
        values.extend([
            shift.store.uuid().into(),
            shift.product.uuid().into(),
            shift.on_hand.into(),
            shift.reserved.into(),
            MovementId::new(tx.now()).uuid().into(),
        ]);
    }
    let sql = statement(tx.dialect(), &rows.join(", "), shifts, cause);
    let statement = tx.dialect().statement(sql, values);
    let found = stock::Entity::find().from_raw_sql(statement);
    match found.all(tx.conn()).await {
        Ok(changed) => Ok(changed),
        // `reserved <= on_hand` is in the statement, so what broke is the upper bound.
        Err(error) if is_check_violation(&error) => {
            Err(Error::field("delta", "is more than a stock record holds").caused_by(error))
        }
        Err(error) => Err(error.into()),
    }
}

fn statement(dialect: Dialect, rows: &str, shifts: &[Shift], cause: &Cause) -> String {
    let lock = dialect.for_update();
    let for_sale = if cause.is_purchase {
        " AND stock.enabled AND NOT stock.gone"
    } else {
        ""
    };
    // Every statement names all parameters, so that one numbering serves all of them.
    let moves = shifts.iter().any(|shift| shift.on_hand != 0);
    let reason = if moves {
        "last_movement_id = locked.movement_id, last_reason = $2, last_order_id = $3, \
         last_actor = $4, last_note = $5, "
    } else {
        ""
    };
    let restocked = if shifts.iter().any(|shift| shift.on_hand > 0) {
        "last_restocked_at = $1, "
    } else {
        ""
    };
    format!(
        "WITH want (store_id, product_id, on_hand, reserved, movement_id) AS (VALUES {rows}), \
         locked AS MATERIALIZED (\
             SELECT stock.id, want.on_hand, want.reserved, want.movement_id \
             FROM want JOIN stock \
                 ON stock.store_id = want.store_id AND stock.product_id = want.product_id \
             ORDER BY stock.store_id, stock.id{lock}) \
         UPDATE stock SET {reason}{restocked}\
             on_hand = stock.on_hand + locked.on_hand, \
             reserved = stock.reserved + locked.reserved, \
             version = stock.version + 1, \
             updated_at = $1 \
         FROM locked \
         WHERE stock.id = locked.id{for_sale} \
             AND stock.on_hand + locked.on_hand - stock.reserved - locked.reserved >= 0 \
         RETURNING {}",
        super::columns::<stock::Entity>()
    )
}
