//! The audit log: what administrators changed. The write path puts an entry into the
//! transaction of the change itself, so that there is neither one without the other.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::connect::Db;
use super::tx::Tx;
use crate::kernel::id::AuditId;
use crate::kernel::{Call, Result, Time};

/// How long an entry is kept.
pub const AUDIT_KEPT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Writes the entry of a change, where the call carries one.
pub(super) async fn record(tx: &Tx, call: &Call) -> Result<()> {
    let (Some(request), Some(actor)) = (&call.audit, call.caller.user_id()) else {
        return Ok(());
    };
    let sql = "INSERT INTO audit_log \
               (id, actor_id, method, request, request_id, ip_address, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        AuditId::new(tx.now()).uuid().into(),
        actor.uuid().into(),
        short(call.method).into(),
        request.as_ref().into(),
        call.request_id.as_ref().into(),
        call.ip.map(|ip| ip.to_canonical().to_string()).into(),
        tx.now().micros().into(),
    ];
    tx.conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(())
}

/// `UserService/DeactivateUser` of `/souk.users.v1.UserService/DeactivateUser`.
fn short(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, name)| name)
}

impl Db {
    /// Forgets the entries of the audit log that have been kept long enough, and says
    /// how many.
    ///
    /// # Errors
    /// UNAVAILABLE when the database is away.
    pub async fn purge_audit_log(&self) -> Result<u64> {
        let kept_from = self.clock().now() - AUDIT_KEPT;
        self.in_batches(|tx, limit| async move { purge(&tx, kept_from, limit).await })
            .await
    }
}

/// The table lets go only of what lies behind the horizon, which moves first.
async fn purge(tx: &Tx, kept_from: Time, limit: i64) -> Result<u64> {
    let kept_from = kept_from.micros();
    let sql = "UPDATE audit_horizon SET kept_from = $1 WHERE kept_from < $1";
    let statement = tx.dialect().statement(sql, [kept_from.into()]);
    tx.conn().execute_raw(statement).await?;
    let sql = "DELETE FROM audit_log WHERE id IN \
               (SELECT id FROM audit_log WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    let values = [kept_from.into(), limit.into()];
    let statement = tx.dialect().statement(sql, values);
    Ok(tx.conn().execute_raw(statement).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::db::testing::on_each;
    use crate::kernel::id::{SessionId, UserId};
    use crate::kernel::{Caller, Clock, Role};

    fn by_admin(now: Time) -> Call {
        Call {
            caller: Caller::User {
                id: UserId::new(now),
                role: Role::Admin,
                session: SessionId::new(now),
            },
            audit: Some(Arc::from("{}")),
            ..Call::system("/souk.ops.v1.OpsService/EnqueueTestJob")
        }
    }

    async fn change(db: &Db) {
        let call = &by_admin(db.clock().now());
        let work = |_tx| async { Ok(()) };
        db.write(call, work).await.unwrap();
    }

    async fn count(db: &Db) -> i64 {
        let sql = "SELECT count(*) FROM audit_log WHERE method = 'OpsService/EnqueueTestJob'";
        let row = db.read().query_one_raw(db.dialect().statement(sql, []));
        row.await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    async fn refused(db: &Db, sql: &str) {
        let run = |tx: Tx| async move {
            let done = tx.conn().execute_raw(tx.dialect().statement(sql, []));
            Ok(done.await?.rows_affected())
        };
        assert!(db.transact(run).await.is_err(), "{sql}");
    }

    #[tokio::test]
    async fn entries_are_kept_a_year_and_as_they_are() {
        let clock = Clock::manual(Time::from_micros(1_780_000_000_000_000));
        on_each(clock, async |db| {
            change(&db).await;
            for sql in [
                "UPDATE audit_log SET request = ''",
                "DELETE FROM audit_log",
                "DELETE FROM audit_horizon",
                "UPDATE audit_horizon SET kept_from = -1",
            ] {
                refused(&db, sql).await;
            }
            db.clock().advance(AUDIT_KEPT);
            change(&db).await;
            assert_eq!(db.purge_audit_log().await.unwrap(), 0);
            assert_eq!(count(&db).await, 2);
            db.clock().advance(Duration::from_micros(1));
            assert_eq!(db.purge_audit_log().await.unwrap(), 1);
            assert_eq!(count(&db).await, 1);
            refused(&db, "DELETE FROM audit_log").await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_change_that_is_refused_leaves_no_entry() {
        let clock = Clock::manual(Time::from_micros(1_780_000_000_000_000));
        on_each(clock, async |db| {
            let call = &by_admin(db.clock().now());
            let work = |_tx| async { Err::<(), _>(crate::kernel::Error::not_found("job")) };
            db.write(call, work).await.unwrap_err();
            assert_eq!(count(&db).await, 0);
        })
        .await;
    }
}
