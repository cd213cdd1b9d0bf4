//! Work on many rows, cut into transactions that are each short.

use std::future::Future;

use super::connect::Db;
use super::tx::Tx;
use crate::kernel::Result;

/// Rows that one transaction works on at the most.
const BATCH: i64 = 5_000;

impl Db {
    /// Runs transactions until one finds fewer rows than its limit, and says how many they
    /// found in all. `work` is given the limit, and says how many rows it found.
    ///
    /// # Errors
    /// What `work` refuses, and those of [`Db::transact`].
    pub async fn in_batches<F, Fut>(&self, work: F) -> Result<u64>
    where
        F: Fn(Tx, i64) -> Fut,
        Fut: Future<Output = Result<u64>>,
    {
        let mut total = 0;
        loop {
            let found = self.transact(|tx| work(tx, BATCH)).await?;
            total += found;
            if found < BATCH as u64 {
                return Ok(total);
            }
        }
    }
}
