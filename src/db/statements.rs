//! Counts the statements that one call runs, so that every RPC can have a query budget.

use std::cell::Cell;
use std::future::Future;

tokio::task_local! {
    static COUNT: Cell<u32>;
}

/// Runs `work` and says how many statements it ran (begin and commit not counted).
pub async fn count<T>(work: impl Future<Output = T>) -> (T, u32) {
    COUNT
        .scope(Cell::new(0), async { (work.await, COUNT.with(Cell::get)) })
        .await
}

/// Called by the driver for every statement.
pub(super) fn add() {
    // Outside a counted call there is nothing to count.
    let _outside = COUNT.try_with(|count| count.set(count.get() + 1));
}
