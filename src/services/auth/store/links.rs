//! Queries on the links that mails carry.

use sea_orm::QueryResult;

use super::super::attempts::{Account, Tally};
use super::super::link::{COUNTED, Link, Purpose};
use super::run;
use crate::db::{Conn, Db, Tx};
use crate::kernel::id::UserId;
use crate::kernel::{Error, Result, Time};

const COLUMNS: &str =
    "id, purpose, user_id, address, address_key, source, seed, created_at, expires_at";

/// Holds an address and a network address until commit, so that wishes for mails are
/// counted one by one.
pub async fn lock(tx: &Tx, link: &Link) -> Result<()> {
    let address: String = link.address_key[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    tx.take_turns(&format!("mail/address/{address}")).await?;
    tx.take_turns(&format!("mail/source/{}", link.source)).await
}

/// The wishes of the last hour: for the address, and of the network address.
pub async fn tally(tx: &Tx, link: &Link) -> Result<(Tally, Tally)> {
    let sql = "SELECT 0 AS place, count(*) AS tries, min(created_at) AS oldest \
               FROM mail_links WHERE address_key = $1 AND created_at > $3 \
               UNION ALL \
               SELECT 1 AS place, count(*) AS tries, min(created_at) AS oldest \
               FROM mail_links WHERE source = $2 AND created_at > $3";
    let values = [
        link.address_key.to_vec().into(),
        link.source.clone().into(),
        (tx.now() - COUNTED).micros().into(),
    ];
    let statement = tx.dialect().statement(sql, values);
    let (mut address, mut source) = (Tally::default(), Tally::default());
    for row in tx.conn().query_all_raw(statement).await? {
        let oldest: Option<i64> = row.try_get("", "oldest")?;
        let tally = Tally {
            tries: row.try_get("", "tries")?,
            pending: 0,
            oldest: oldest.map(Time::from_micros),
        };
        match row.try_get::<i32>("", "place")? {
            0 => address = tally,
            _ => source = tally,
        }
    }
    Ok((address, source))
}

/// Adds a wish.
pub async fn insert(tx: &Tx, link: &Link) -> Result<()> {
    let sql =
        format!("INSERT INTO mail_links ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let values = [
        link.id.into(),
        link.purpose.as_str().into(),
        link.user.map(UserId::uuid).into(),
        link.address.clone().into(),
        link.address_key.to_vec().into(),
        link.source.clone().into(),
        link.seed.to_vec().into(),
        link.created_at.micros().into(),
        link.expires_at.micros().into(),
    ];
    run(tx, &sql, values).await.map(drop)
}

/// A link that still works, by its id.
pub async fn find_by_id(tx: &Tx, id: uuid::Uuid) -> Result<Option<Link>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM mail_links WHERE id = $1 AND used_at IS NULL AND expires_at > $2"
    );
    let values = [id.into(), tx.now().micros().into()];
    let statement = tx.dialect().statement(sql, values);
    let row = tx.conn().query_one_raw(statement).await?;
    row.as_ref().map(read).transpose()
}

/// A link that still works, by the hash of its token.
pub async fn find_open(db: &Db, purpose: Purpose, token_hash: Vec<u8>) -> Result<Option<Link>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM mail_links WHERE token_hash = $1 AND purpose = $2 \
         AND used_at IS NULL AND expires_at > $3"
    );
    let now = db.clock().now();
    let values = [
        token_hash.into(),
        purpose.as_str().into(),
        now.micros().into(),
    ];
    let statement = db.dialect().statement(sql, values);
    let row = db.read().query_one_raw(statement).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &QueryResult) -> Result<Link> {
    let purpose: String = row.try_get("", "purpose")?;
    let (seed, address_key): (Vec<u8>, Vec<u8>) =
        (row.try_get("", "seed")?, row.try_get("", "address_key")?);
    let broken = || Error::internal("a link has broken bytes");
    let user: Option<uuid::Uuid> = row.try_get("", "user_id")?;
    Ok(Link {
        id: row.try_get("", "id")?,
        purpose: Purpose::from_word(&purpose)
            .ok_or_else(|| Error::internal("a link has no purpose"))?,
        user: user.map(UserId::from),
        address: row.try_get("", "address")?,
        address_key: Account::try_from(address_key).map_err(|_| broken())?,
        source: row.try_get("", "source")?,
        seed: seed.try_into().map_err(|_| broken())?,
        created_at: Time::from_micros(row.try_get("", "created_at")?),
        expires_at: Time::from_micros(row.try_get("", "expires_at")?),
    })
}

/// Ties a link to an account and a token, and forgets the address.
pub async fn bind(tx: &Tx, id: uuid::Uuid, user: UserId, token_hash: Vec<u8>) -> Result<()> {
    let sql = "UPDATE mail_links SET user_id = $2, token_hash = $3, address = NULL WHERE id = $1";
    let values = [id.into(), user.uuid().into(), token_hash.into()];
    run(tx, sql, values).await.map(drop)
}

/// Forgets the address of a link that belongs to nobody.
pub async fn forget_address(tx: &Tx, id: uuid::Uuid) -> Result<()> {
    let sql = "UPDATE mail_links SET address = NULL WHERE id = $1";
    run(tx, sql, [id.into()]).await.map(drop)
}

/// Spends a link. Says whether it still worked.
pub async fn consume(tx: &Tx, id: uuid::Uuid) -> Result<bool> {
    let sql = "UPDATE mail_links SET used_at = $2 \
               WHERE id = $1 AND used_at IS NULL AND expires_at > $2";
    let values = [id.into(), tx.now().micros().into()];
    Ok(run(tx, sql, values).await? == 1)
}

/// Ends every link of a user for a purpose.
pub async fn void(tx: &Tx, user: UserId, purpose: Purpose) -> Result<()> {
    let sql = "UPDATE mail_links SET used_at = $3 WHERE user_id = $1 AND purpose = $2 \
               AND used_at IS NULL AND token_hash IS NOT NULL";
    let values = [
        user.uuid().into(),
        purpose.as_str().into(),
        tx.now().micros().into(),
    ];
    run(tx, sql, values).await.map(drop)
}

/// Removes every link of a user.
pub async fn forget(tx: &Tx, user: UserId) -> Result<()> {
    let sql = "DELETE FROM mail_links WHERE user_id = $1";
    run(tx, sql, [user.uuid().into()]).await.map(drop)
}
