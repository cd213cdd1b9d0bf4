//! Every query on what is counted: messages of a day, calls of a period.

use sea_orm::ConnectionTrait;

use super::run;
use crate::db::Tx;
use crate::kernel::{Result, Time};

/// Counts a message of the day that begins at `day` and says how many there are with it;
/// nothing when `max` were sent already. The condition stands in the statement itself,
/// so that messages at the same time are counted one by one, in all processes.
pub(in crate::services::auth) async fn count_message(
    tx: &Tx,
    day: Time,
    max: u32,
) -> Result<Option<i64>> {
    let sql = "INSERT INTO sms_days (day, sent) SELECT $1, 1 WHERE $2 > 0 \
               ON CONFLICT (day) DO UPDATE SET sent = sms_days.sent + 1 \
               WHERE sms_days.sent < $2 RETURNING sent";
    let values = [day.micros().into(), i64::from(max).into()];
    let statement = tx.dialect().statement(sql, values);
    let row = tx.conn().query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get("", "sent")).transpose()?)
}

/// Calls of one caller that are counted together.
pub(in crate::services::auth) struct Window<'a> {
    pub class: &'static str,
    pub key: &'a str,
    pub starts_at: Time,
    pub ends_at: Time,
}

/// Counts a call and says how many there are with it in its period; nothing when there
/// were `max` already. A clock that is behind those of other processes counts in their
/// period.
pub(in crate::services::auth) async fn count_call(
    tx: &Tx,
    window: &Window<'_>,
    max: u32,
) -> Result<Option<i64>> {
    let sql = "INSERT INTO rate_windows (class, key, starts_at, ends_at, taken) \
               VALUES ($1, $2, $3, $4, 1) ON CONFLICT (class, key) DO UPDATE SET \
               taken = CASE WHEN rate_windows.starts_at < excluded.starts_at THEN 1 \
                       ELSE rate_windows.taken + 1 END, \
               starts_at = CASE WHEN rate_windows.starts_at < excluded.starts_at \
                           THEN excluded.starts_at ELSE rate_windows.starts_at END, \
               ends_at = CASE WHEN rate_windows.starts_at < excluded.starts_at \
                         THEN excluded.ends_at ELSE rate_windows.ends_at END \
               WHERE rate_windows.starts_at < excluded.starts_at OR rate_windows.taken < $5 \
               RETURNING taken";
    let values = [
        window.class.into(),
        window.key.into(),
        window.starts_at.micros().into(),
        window.ends_at.micros().into(),
        i64::from(max).into(),
    ];
    let statement = tx.dialect().statement(sql, values);
    let row = tx.conn().query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get("", "taken")).transpose()?)
}

/// Removes up to `limit` callers whose period is over. Says whether there may be more.
pub(in crate::services::auth) async fn purge_windows(tx: &Tx, limit: u64) -> Result<bool> {
    let sql = "DELETE FROM rate_windows WHERE (class, key) IN \
               (SELECT class, key FROM rate_windows WHERE ends_at <= $1 LIMIT $2)";
    let batch = i64::try_from(limit).map_err(crate::kernel::Error::internal)?;
    let values = [tx.now().micros().into(), batch.into()];
    Ok(run(tx, sql, values).await? >= limit)
}
