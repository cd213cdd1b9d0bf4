//! Queries on failures to sign in.

use sea_orm::QueryResult;

use super::super::attempts::{Account, Since, Subject, Tallies, Tally};
use super::run;
use crate::db::{Conn, Dialect, Tx};
use crate::kernel::{Result, Time, random};

/// Holds an account and an address until commit, so that their tries are counted one by
/// one.
pub async fn lock(tx: &Tx, subject: &Subject) -> Result<()> {
    let account: String = subject.account[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    tx.take_turns(&format!("sign-in/account/{account}")).await?;
    let source = &subject.source;
    tx.take_turns(&format!("sign-in/source/{source}")).await
}

/// The tries that a sign-in is measured by.
pub async fn tally(
    conn: &impl Conn,
    dialect: Dialect,
    subject: &Subject,
    now: Time,
) -> Result<Tallies> {
    let since = Since::at(now);
    let count = |place: u8, of: &str| {
        format!(
            "SELECT {place} AS place, count(*) AS tries, \
             COALESCE(sum(CASE WHEN pending AND failed_at > $5 THEN 1 ELSE 0 END), 0) AS pending, \
             min(failed_at) AS oldest FROM sign_in_failures WHERE {of}"
        )
    };
    let sql = [
        count(0, "account = $1 AND source = $2 AND failed_at > $3"),
        count(1, "source = $2 AND failed_at > $3"),
        count(2, "account = $1 AND failed_at > $4"),
    ]
    .join(" UNION ALL ");
    let values = [
        subject.account.to_vec().into(),
        subject.source.clone().into(),
        since.quarter.micros().into(),
        since.day.micros().into(),
        since.answered.micros().into(),
    ];
    let rows = conn.query_all_raw(dialect.statement(sql, values)).await?;
    let mut tallies = Tallies::default();
    for row in &rows {
        let tally = read(row)?;
        match row.try_get::<i32>("", "place")? {
            0 => tallies.pair = tally,
            1 => tallies.source = tally,
            _ => tallies.account = tally,
        }
    }
    Ok(tallies)
}

/// The failures of one account alone.
pub async fn tally_account(tx: &Tx, account: &Account, since: Time) -> Result<Tally> {
    let sql = "SELECT count(*) AS tries, CAST(0 AS BIGINT) AS pending, min(failed_at) AS oldest \
               FROM sign_in_failures WHERE account = $1 AND failed_at > $2";
    let values = [account.to_vec().into(), since.micros().into()];
    let statement = tx.dialect().statement(sql, values);
    let row = tx.conn().query_one_raw(statement).await?;
    row.as_ref().map_or_else(|| Ok(Tally::default()), read)
}

fn read(row: &QueryResult) -> Result<Tally> {
    let oldest: Option<i64> = row.try_get("", "oldest")?;
    Ok(Tally {
        tries: row.try_get("", "tries")?,
        pending: row.try_get("", "pending")?,
        oldest: oldest.map(Time::from_micros),
    })
}

/// Writes a try down as a failure.
pub async fn insert(tx: &Tx, subject: &Subject, pending: bool) -> Result<uuid::Uuid> {
    let id = uuid::Uuid::from_bytes(random::bytes());
    let sql = "INSERT INTO sign_in_failures (id, account, source, pending, failed_at) \
               VALUES ($1, $2, $3, $4, $5)";
    let values = [
        id.into(),
        subject.account.to_vec().into(),
        subject.source.clone().into(),
        pending.into(),
        tx.now().micros().into(),
    ];
    run(tx, sql, values).await?;
    Ok(id)
}

/// The try was a failure.
pub async fn fail(tx: &Tx, attempt: uuid::Uuid) -> Result<()> {
    let sql = "UPDATE sign_in_failures SET pending = FALSE WHERE id = $1";
    run(tx, sql, [attempt.into()]).await.map(drop)
}

/// The try was none: it goes, and so do the failures of the account from this address.
pub async fn clear(tx: &Tx, subject: &Subject, attempt: uuid::Uuid) -> Result<()> {
    let sql = "DELETE FROM sign_in_failures WHERE id = $1 \
               OR (account = $2 AND source = $3 AND NOT pending)";
    let values = [
        attempt.into(),
        subject.account.to_vec().into(),
        subject.source.clone().into(),
    ];
    run(tx, sql, values).await.map(drop)
}

/// Forgets every failure of an account, wherever it came from.
pub async fn forget(tx: &Tx, account: &Account) -> Result<()> {
    let sql = "DELETE FROM sign_in_failures WHERE account = $1";
    run(tx, sql, [account.to_vec().into()]).await.map(drop)
}
