//! Whether the histories of orders are paths of the state machine.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::db::Dialect;
use crate::kernel::{Error, Result};
use crate::services::orders::{DeliveryType, Status, movers};

/// The moves that were recorded but that nobody may make. Few distinct moves exist, so
/// the database groups them and the state machine itself judges.
pub(super) async fn illegal(
    snapshot: &DatabaseTransaction,
    dialect: Dialect,
) -> Result<Vec<String>> {
    let sql = "SELECT h.from_status, h.status, o.delivery_type, count(*) AS orders \
               FROM order_history h JOIN orders o ON o.id = h.order_id \
               WHERE h.from_status IS NOT NULL AND h.from_status <> h.status \
               GROUP BY h.from_status, h.status, o.delivery_type";
    let mut found = Vec::new();
    for row in snapshot.query_all_raw(dialect.statement(sql, [])).await? {
        let word = |column: &str| row.try_get::<String>("", column).map_err(Error::from);
        let (from, to, delivery) = (
            word("from_status")?,
            word("status")?,
            word("delivery_type")?,
        );
        let known = (
            Status::from_word(&from),
            Status::from_word(&to),
            DeliveryType::from_word(&delivery),
        );
        let legal = matches!(known, (Some(from), Some(to), Some(delivery))
            if !movers(from, to, delivery).is_empty());
        if !legal {
            let orders: i64 = row.try_get("", "orders")?;
            found.push(format!("{from} to {to} ({delivery}), {orders} orders"));
        }
    }
    Ok(found)
}
