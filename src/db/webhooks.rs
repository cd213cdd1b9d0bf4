//! Messages of providers that were taken: each has its effect once, however often it comes.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::connect::Db;
use super::tx::Tx;
use crate::kernel::Result;

/// How long a message is remembered; providers repeat theirs for some days.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Tx {
    /// Notes a provider's message, and says whether it is seen for the first time. A twin
    /// in flight waits until the other one has committed or failed.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn is_first(&self, provider: &str, event: &str, kind: &str) -> Result<bool> {
        let sql = "INSERT INTO webhook_events (provider, event_id, kind, received_at) \
                   VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let values = [
            provider.into(),
            event.into(),
            kind.into(),
            self.now().micros().into(),
        ];
        let statement = self.dialect().statement(sql, values);
        let done = self.conn().execute_raw(statement).await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Db {
    /// Forgets the messages that no provider repeats any more, and says how many.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn purge_webhook_events(&self) -> Result<u64> {
        self.in_batches(|tx, limit| async move { purge(&tx, limit).await })
            .await
    }
}

async fn purge(tx: &Tx, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM webhook_events WHERE (provider, event_id) IN \
               (SELECT provider, event_id FROM webhook_events \
               WHERE received_at < $1 ORDER BY received_at LIMIT $2)";
    let before = (tx.now() - KEPT).micros();
    let values = [before.into(), limit.into()];
    let done = tx
        .conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::on_each;
    use crate::kernel::{Clock, Time};

    #[tokio::test]
    async fn a_message_is_first_once_and_forgotten_after_thirty_days() {
        let clock = Clock::manual(Time::from_micros(1_800_000_000_000_000));
        on_each(clock.clone(), async |db: Db| {
            let seen = async |provider: &'static str| {
                let note = |tx: Tx| async move { tx.is_first(provider, "msg_1", "a.b").await };
                db.transact(note).await.unwrap()
            };
            assert!(seen("clerk").await);
            assert!(!seen("clerk").await);
            assert!(seen("stripe").await);
            assert_eq!(db.purge_webhook_events().await.unwrap(), 0);
            clock.advance(KEPT + Duration::from_secs(1));
            assert_eq!(db.purge_webhook_events().await.unwrap(), 2);
            assert!(seen("clerk").await);
        })
        .await;
    }
}
