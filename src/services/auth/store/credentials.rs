//! Queries on passwords.

use super::run;
use crate::db::{Conn, Dialect, Tx};
use crate::kernel::Result;
use crate::kernel::id::UserId;

/// The hash of a user's password. The query runs for nobody as well, so that an unknown
/// address takes as long.
pub async fn find(
    conn: &impl Conn,
    dialect: Dialect,
    user: Option<UserId>,
) -> Result<Option<String>> {
    let sql = "SELECT password_hash FROM credentials WHERE user_id = $1";
    let id = user.map_or(uuid::Uuid::nil(), UserId::uuid);
    let row = conn
        .query_one_raw(dialect.statement(sql, [id.into()]))
        .await?;
    Ok(row
        .map(|row| row.try_get("", "password_hash"))
        .transpose()?)
}

/// Adds a user's first password, or puts one in the place of the last. The caller holds
/// the user.
pub async fn put(tx: &Tx, user: UserId, hash: &str) -> Result<()> {
    let sql = "INSERT INTO credentials (user_id, password_hash, created_at, changed_at) \
               VALUES ($1, $2, $3, $3) ON CONFLICT (user_id) DO UPDATE SET \
               password_hash = excluded.password_hash, changed_at = excluded.changed_at";
    let values = [user.uuid().into(), hash.into(), tx.now().micros().into()];
    run(tx, sql, values).await.map(drop)
}

/// Removes a user's password.
pub async fn forget(tx: &Tx, user: UserId) -> Result<()> {
    let sql = "DELETE FROM credentials WHERE user_id = $1";
    run(tx, sql, [user.uuid().into()]).await.map(drop)
}
