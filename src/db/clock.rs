//! The time by which changes are stamped, leases run out and jobs fall due: the database
//! server's, so that processes whose own clocks differ agree.

use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;

use super::connect::Db;
use super::dialect::Dialect;
use crate::kernel::task::Tasks;
use crate::kernel::{Clock, Error, Result, Time};

/// How often a process compares its clock with the database's. Between that, time is what
/// passes here, so a clock that is set does not matter; two machines drift apart by less
/// than a millisecond in it.
const PERIOD: Duration = Duration::from_secs(10);
/// A difference that operators should know of.
const WORTH_TELLING: u64 = 1_000_000;

/// The clock of a database. A SQLite file has none but that of the machine.
pub(super) fn of(dialect: Dialect, clock: &Clock) -> Clock {
    match dialect {
        Dialect::Sqlite => clock.clone(),
        Dialect::Postgres => clock.following(),
    }
}

impl Db {
    /// Compares this process's clock with the database's, again and again until the
    /// process stops.
    pub fn keep_time(&self, tasks: &Tasks) {
        if !self.clock().follows() {
            return;
        }
        let (db, stopping) = (self.clone(), tasks.stopping());
        tasks.spawn(async move {
            let mut ticks = tokio::time::interval(PERIOD);
            // The first one comes at once, and opening the database asked already.
            ticks.tick().await;
            while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
                if let Err(error) = db.in_time(db.ask_the_time()).await {
                    tracing::debug!(error = ?error, "the database does not tell the time");
                }
            }
        });
    }

    /// Asks the database what time it is, where it has a clock of its own.
    pub(super) async fn ask_the_time(&self) -> Result<()> {
        if !self.clock().follows() {
            return Ok(());
        }
        let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS now";
        let statement = self.dialect().statement(sql, []);
        let asked = Instant::now();
        let row = self.read().query_one_raw(statement).await?;
        let answered = Instant::now();
        let row = row.ok_or_else(|| Error::internal("the database told no time"))?;
        let said = Time::from_micros(row.try_get("", "now")?);
        match self.clock().compare(said, asked, answered) {
            Some(slow) if slow.unsigned_abs() >= WORTH_TELLING => {
                let slow_ms = slow / 1000;
                tracing::warn!(
                    slow_ms,
                    "this clock differs from the database's, which is used"
                );
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::on_postgres;

    #[tokio::test]
    async fn a_process_whose_clock_is_wrong_goes_by_the_databases() {
        for wrong in [300_000_000, -300_000_000] {
            on_postgres(Clock::wrong_by(wrong), |db| async move {
                let right = Clock::system().now().micros();
                let used = db.clock().now().micros();
                assert!((used - right).abs() < 60_000_000, "{used} is not {right}");
                let stamped = db.transact(|tx| async move { Ok(tx.now().micros()) }).await;
                assert!((stamped.unwrap() - right).abs() < 60_000_000);
            })
            .await;
        }
    }
}
