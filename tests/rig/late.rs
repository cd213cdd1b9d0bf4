//! A transaction of the server, stopped in the middle.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement,
    TransactionTrait,
};
use souk::kernel::id::StockId;

use super::shop::Good;
use super::wait::pause;

/// Locks the stock of `good` until the transaction ends.
pub async fn hold_stock(database: &DatabaseConnection, good: &Good) -> DatabaseTransaction {
    let held = database.begin().await.unwrap();
    let id: StockId = good.stock_id.parse().unwrap();
    let sql = "SELECT on_hand FROM stock WHERE id = $1 FOR UPDATE";
    let lock = Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.uuid().into()]);
    let row = held.query_one_raw(lock).await.unwrap();
    assert!(row.is_some(), "the stock record is there");
    held
}

/// Waits until a transaction of the server waits for a lock.
pub async fn until_waiting(database: &DatabaseConnection) {
    let sql = "SELECT 1 FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let waiting = Statement::from_string(DbBackend::Postgres, sql);
        if database.query_one_raw(waiting).await.unwrap().is_some() {
            return;
        }
        pause(Duration::from_millis(2)).await;
    }
}
