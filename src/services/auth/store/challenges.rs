//! Every query on one-time passwords and how many were sent.

use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::run;
use crate::db::{Db, Tx};
use crate::kernel::id::UserId;
use crate::kernel::phone::Phone;
use crate::kernel::{Error, Result, Time};
use crate::services::auth::otp::{Purpose, SENDS_KEPT, Seed, Send};
use crate::services::auth::request::Challenge;

/// Puts a challenge in the place of the phone's former one, with all its tries, and
/// holds the row until commit.
pub(in crate::services::auth) async fn replace_challenge(tx: &Tx, new: &Challenge) -> Result<()> {
    let sql = "INSERT INTO otp_challenges \
               (phone, purpose, id, seed, attempts, created_at, expires_at, user_id) \
               VALUES ($1, $2, $3, $4, 0, $5, $6, $7) \
               ON CONFLICT (phone, purpose) DO UPDATE SET id = excluded.id, \
               seed = excluded.seed, attempts = 0, created_at = excluded.created_at, \
               expires_at = excluded.expires_at, user_id = excluded.user_id, \
               consumed_at = NULL";
    let values = [
        new.phone.as_str().into(),
        new.purpose.as_str().into(),
        new.id.into(),
        new.seed.to_vec().into(),
        new.created_at.micros().into(),
        new.expires_at.micros().into(),
        user(new.purpose),
    ];
    run(tx, sql, values).await.map(drop)
}

/// A challenge that can still be met.
pub(in crate::services::auth) async fn find_challenge(
    db: &Db,
    id: uuid::Uuid,
) -> Result<Option<Challenge>> {
    let sql = "SELECT phone, purpose, user_id, seed, created_at, expires_at FROM otp_challenges \
               WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2";
    let now = db.clock().now();
    let statement = db
        .dialect()
        .statement(sql, [id.into(), now.micros().into()]);
    let Some(row) = db.read().query_one_raw(statement).await? else {
        return Ok(None);
    };
    let (word, user): (String, Option<uuid::Uuid>) =
        (row.try_get("", "purpose")?, row.try_get("", "user_id")?);
    let purpose = Purpose::from_row(&word, user.map(UserId::from));
    Ok(Some(Challenge {
        id,
        phone: Phone::from_stored(row.try_get("", "phone")?),
        purpose: purpose.ok_or_else(|| Error::internal("a challenge has no known purpose"))?,
        seed: seed(&row)?,
        created_at: Time::from_micros(row.try_get("", "created_at")?),
        expires_at: Time::from_micros(row.try_get("", "expires_at")?),
    }))
}

/// Takes one try from the phone's challenge. Nothing when there is no challenge of this
/// purpose and user, or it is used, expired, or has no try left. The condition stands in
/// the update itself, so that tries that arrive together are counted one by one.
pub(in crate::services::auth) async fn count_attempt(
    tx: &Tx,
    phone: &Phone,
    purpose: Purpose,
    max: i32,
) -> Result<Option<Seed>> {
    let sql = "UPDATE otp_challenges SET attempts = attempts + 1 \
               WHERE phone = $1 AND purpose = $2 AND attempts < $3 AND expires_at > $4 \
               AND consumed_at IS NULL AND user_id IS NOT DISTINCT FROM $5 RETURNING seed";
    let values = [
        phone.as_str().into(),
        purpose.as_str().into(),
        max.into(),
        tx.now().micros().into(),
        user(purpose),
    ];
    let statement = tx.dialect().statement(sql, values);
    let row = tx.conn().query_one_raw(statement).await?;
    row.as_ref().map(seed).transpose()
}

/// The user of a purpose, as the database has it.
fn user(purpose: Purpose) -> Value {
    purpose.user().map(UserId::uuid).into()
}

fn seed(row: &QueryResult) -> Result<Seed> {
    let bytes: Vec<u8> = row.try_get("", "seed")?;
    Seed::try_from(bytes).map_err(|_| Error::internal("a challenge has a broken seed"))
}

/// Spends the challenge, whose try the transaction has taken.
pub(in crate::services::auth) async fn consume_challenge(
    tx: &Tx,
    phone: &Phone,
    purpose: Purpose,
) -> Result<()> {
    let sql = "UPDATE otp_challenges SET consumed_at = $3 WHERE phone = $1 AND purpose = $2";
    let values = [
        phone.as_str().into(),
        purpose.as_str().into(),
        tx.now().micros().into(),
    ];
    run(tx, sql, values).await.map(drop)
}

/// Holds an address until commit, so that sends at its wish are counted one by one.
pub(in crate::services::auth) async fn lock_source(tx: &Tx, ip: &str) -> Result<()> {
    let sql = "INSERT INTO otp_sources (ip, last_sent_at) VALUES ($1, $2) \
               ON CONFLICT (ip) DO UPDATE SET last_sent_at = excluded.last_sent_at";
    run(tx, sql, [ip.into(), tx.now().micros().into()])
        .await
        .map(drop)
}

/// What was sent to the phone or at the wish of the address within the last hour, the
/// oldest first. The limits keep this list short.
pub(in crate::services::auth) async fn recent_sends(
    tx: &Tx,
    phone: &Phone,
    ip: Option<&str>,
) -> Result<Vec<Send>> {
    let sql = "SELECT phone, ip, sent_at FROM otp_sends \
               WHERE (phone = $1 OR ip = $2) AND sent_at > $3 ORDER BY sent_at";
    let values = [
        phone.as_str().into(),
        ip.map(str::to_owned).into(),
        (tx.now() - SENDS_KEPT).micros().into(),
    ];
    let statement = tx.dialect().statement(sql, values);
    let rows = tx.conn().query_all_raw(statement).await?;
    let send = |row: &QueryResult| {
        Ok(Send {
            phone: row.try_get("", "phone")?,
            ip: row.try_get("", "ip")?,
            at: Time::from_micros(row.try_get("", "sent_at")?),
        })
    };
    rows.iter().map(send).collect()
}

/// Notes a send.
pub(in crate::services::auth) async fn record_send(
    tx: &Tx,
    phone: &Phone,
    ip: Option<&str>,
) -> Result<()> {
    let sql = "INSERT INTO otp_sends (id, phone, ip, sent_at) VALUES ($1, $2, $3, $4)";
    let values = [
        uuid::Uuid::from_bytes(crate::kernel::random::bytes()).into(),
        phone.as_str().into(),
        ip.map(str::to_owned).into(),
        tx.now().micros().into(),
    ];
    run(tx, sql, values).await.map(drop)
}
