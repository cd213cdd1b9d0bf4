//! The queries of the trade between businesses.

use sea_orm::{QueryResult, Value};

use super::super::trade::{Made, Offers, Received, Trade};
use super::sum;
use crate::db::{Conn, Dialect};
use crate::kernel::id::UserId;
use crate::kernel::{Currency, Error, Result};

/// The numbers of a seller: three statements.
pub async fn trade(
    conn: &impl Conn,
    dialect: Dialect,
    seller: UserId,
    currency: Currency,
) -> Result<Trade> {
    let query = Query { conn, dialect };
    let id = || Value::from(seller.uuid());
    let in_currency = || vec![id(), currency.as_str().into()];
    Ok(Trade {
        offers: offers(&query.one(OFFERS, vec![id()]).await?)?,
        received: received(&query.one(&received_sql(), in_currency()).await?)?,
        made: made(&query.one(&made_sql(), in_currency()).await?)?,
    })
}

struct Query<'a, C> {
    conn: &'a C,
    dialect: Dialect,
}

impl<C: Conn> Query<'_, C> {
    async fn one(&self, sql: &str, values: Vec<Value>) -> Result<QueryResult> {
        let statement = self.dialect.statement(sql, values);
        let row = self.conn.query_one_raw(statement).await?;
        row.ok_or_else(|| Error::internal("a count without a row"))
    }
}

const OFFERS: &str = "SELECT count(*) AS total, \
     count(CASE WHEN status = 'ACTIVE' THEN 1 END) AS active, \
     count(CASE WHEN status = 'SOLD' THEN 1 END) AS sold \
     FROM b2b_offers WHERE seller_id = $1 AND deleted_at IS NULL";

fn offers(row: &QueryResult) -> Result<Offers> {
    Ok(Offers {
        total: row.try_get("", "total")?,
        active: row.try_get("", "active")?,
        sold: row.try_get("", "sold")?,
    })
}

/// What deals came to.
fn volume() -> String {
    sum(
        "CASE WHEN responses.status = 'ACCEPTED' AND offers.currency = $2 \
         THEN responses.amount * responses.quantity END",
    )
}

fn received_sql() -> String {
    let countered = "EXISTS (SELECT 1 FROM b2b_rounds rounds \
                     WHERE rounds.response_id = responses.id AND rounds.party = 'SELLER')";
    format!(
        "SELECT count(*) AS total, \
         count(CASE WHEN responses.type = 'NEGOTIATION' THEN 1 END) AS negotiations, \
         count(CASE WHEN responses.type = 'NEGOTIATION' AND responses.status = 'PENDING' \
         THEN 1 END) AS pending, \
         count(CASE WHEN responses.type = 'NEGOTIATION' AND (responses.status = 'ACCEPTED' \
         OR responses.refusal = 'DECLINED' OR {countered}) THEN 1 END) AS answered, \
         {} AS volume FROM b2b_responses responses \
         JOIN b2b_offers offers ON offers.id = responses.offer_id \
         WHERE responses.seller_id = $1",
        volume()
    )
}

fn received(row: &QueryResult) -> Result<Received> {
    Ok(Received {
        total: row.try_get("", "total")?,
        pending: row.try_get("", "pending")?,
        negotiations: row.try_get("", "negotiations")?,
        answered: row.try_get("", "answered")?,
        volume: row.try_get("", "volume")?,
    })
}

fn made_sql() -> String {
    format!(
        "SELECT count(*) AS total, \
         count(CASE WHEN responses.status IN ('PENDING', 'OUTBID') THEN 1 END) AS pending, \
         count(CASE WHEN responses.status = 'ACCEPTED' THEN 1 END) AS won, \
         {} AS volume FROM b2b_responses responses \
         JOIN b2b_offers offers ON offers.id = responses.offer_id \
         WHERE responses.buyer_id = $1",
        volume()
    )
}

fn made(row: &QueryResult) -> Result<Made> {
    Ok(Made {
        total: row.try_get("", "total")?,
        pending: row.try_get("", "pending")?,
        won: row.try_get("", "won")?,
        volume: row.try_get("", "volume")?,
    })
}
