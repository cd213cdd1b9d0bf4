//! Every query on offers, responses, rounds and bids; lists have a file of their own.

pub(super) mod leave;
pub(super) mod lists;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DbErr, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, Select, Value,
};
use uuid::Uuid;

use super::entity::{bid, offer, response, round};
use super::offer::{Offer, OfferResponse};
use super::state::{OfferType, Refusal};
use crate::db::{Conn, Db, Tx, unique_violation};
use crate::kernel::id::{OfferId, OfferResponseId, UserId};
use crate::kernel::{Error, Reason, Result, Time};

/// The offer of an id, unless it is deleted.
pub async fn find(conn: &impl Conn, id: OfferId) -> Result<Option<Offer>> {
    let query = offer::Entity::find_by_id(id.uuid());
    let query = query.filter(offer::Column::DeletedAt.is_null());
    Ok(query.one(conn).await?)
}

/// Like [`find`], and holds the offer until commit.
pub async fn lock(tx: &Tx, id: OfferId) -> Result<Option<Offer>> {
    let query = offer::Entity::find_by_id(id.uuid());
    let query = query.filter(offer::Column::DeletedAt.is_null());
    Ok(query.lock_exclusive().one(tx.conn()).await?)
}

/// Adds an offer.
pub async fn insert(tx: &Tx, new: &Offer) -> Result<()> {
    let row = new.clone().into_active_model().reset_all();
    offer::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Writes a changed offer, which the caller holds.
pub async fn save(tx: &Tx, changed: &Offer) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    row.update(tx.conn()).await?;
    Ok(())
}

/// The response of an id.
pub async fn find_response(conn: &impl Conn, id: OfferResponseId) -> Result<Option<OfferResponse>> {
    Ok(response::Entity::find_by_id(id.uuid()).one(conn).await?)
}

/// What a buyer answered last to an offer.
pub async fn newest_of_buyer(
    conn: &impl Conn,
    offer: OfferId,
    buyer: UserId,
) -> Result<Option<OfferResponse>> {
    Ok(newest_of(offer, buyer).one(conn).await?)
}

fn newest_of(offer: OfferId, buyer: UserId) -> Select<response::Entity> {
    response::Entity::find()
        .filter(response::Column::OfferId.eq(offer.uuid()))
        .filter(response::Column::BuyerId.eq(buyer.uuid()))
        .order_by_desc(response::Column::Id)
        .limit(1)
}

/// Adds a response.
///
/// # Errors
/// RESPONSE_PENDING when the buyer has an open one.
pub async fn insert_response(tx: &Tx, new: &OfferResponse) -> Result<()> {
    let row = new.clone().into_active_model().reset_all();
    let added = response::Entity::insert(row).exec_without_returning(tx.conn());
    added.await.map(drop).map_err(pending)
}

fn pending(error: DbErr) -> Error {
    match unique_violation(&error) {
        Some(_) => {
            let message = "you have an open response to this offer";
            Error::new(Reason::ResponsePending, message).caused_by(error)
        }
        None => error.into(),
    }
}

/// Writes a changed response, whose offer the caller holds.
pub async fn save_response(tx: &Tx, changed: &OfferResponse) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    row.update(tx.conn()).await?;
    Ok(())
}

/// The leader of an auction, and those of the buyers who have bid on it.
pub async fn bidders(tx: &Tx, offer: &Offer, buyers: &[UserId]) -> Result<Vec<OfferResponse>> {
    let leader = offer.leader_id.map(OfferResponseId::from);
    Ok(bidders_of(offer.offer_id(), leader, buyers)
        .all(tx.conn())
        .await?)
}

/// Each way has an index of its own: an auction may have thousands of bidders.
fn bidders_of(
    offer: OfferId,
    leader: Option<OfferResponseId>,
    buyers: &[UserId],
) -> Select<response::Entity> {
    let buyers = buyers.iter().map(|buyer| buyer.uuid());
    let those = Condition::all()
        .add(response::Column::OfferId.eq(offer.uuid()))
        .add(response::Column::BuyerId.is_in(buyers));
    let leader = leader.map(|id| response::Column::Id.eq(id.uuid()));
    response::Entity::find().filter(Condition::any().add(those).add_option(leader))
}

/// Writes new and changed bidders of an auction that the caller holds, in this order.
pub async fn put_responses(
    tx: &Tx,
    bidders: impl IntoIterator<Item = OfferResponse>,
) -> Result<()> {
    let rows = bidders.into_iter();
    let rows = rows.map(|row| row.into_active_model().reset_all());
    let changed = OnConflict::column(response::Column::Id)
        .update_columns([
            response::Column::Status,
            response::Column::Refusal,
            response::Column::Amount,
            response::Column::Quantity,
            response::Column::MaxAmount,
            response::Column::Message,
            response::Column::PaymentMethod,
            response::Column::AddressId,
            response::Column::Version,
            response::Column::UpdatedAt,
        ])
        .to_owned();
    response::Entity::insert_many(rows)
        .on_conflict(changed)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Whether an offer is an auction, which never changes; false when there is none.
pub async fn is_auction(conn: &impl Conn, id: OfferId) -> Result<bool> {
    let query = offer::Entity::find_by_id(id.uuid())
        .select_only()
        .column(offer::Column::Kind);
    let kind = query.into_tuple::<String>().one(conn).await?;
    Ok(kind.is_some_and(|kind| kind == OfferType::Auction.as_str()))
}

/// Rejects every open response to an offer that the caller holds, and answers them in their
/// order. One statement.
pub async fn reject_open(
    tx: &Tx,
    offer: OfferId,
    why: Refusal,
    now: Time,
) -> Result<Vec<OfferResponse>> {
    change_open(
        tx,
        offer,
        now,
        "status = 'REJECTED', refusal = $3,",
        [why.as_str().into()],
    )
    .await
}

/// Gives every open response to an offer that the caller holds its next version, and answers
/// them in their order. One statement.
pub async fn touch_open(tx: &Tx, offer: OfferId, now: Time) -> Result<Vec<OfferResponse>> {
    change_open(tx, offer, now, "", []).await
}

async fn change_open(
    tx: &Tx,
    offer: OfferId,
    now: Time,
    changes: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<OfferResponse>> {
    let sql = format!(
        "UPDATE b2b_responses SET {changes} version = version + 1, updated_at = $1 \
         WHERE offer_id = $2 AND status IN ('PENDING', 'OUTBID') RETURNING *"
    );
    let values = [now.micros().into(), offer.uuid().into()]
        .into_iter()
        .chain(values);
    let statement = tx.dialect().statement(&sql, values);
    let rows = tx.conn().query_all_raw(statement).await?;
    let read = rows
        .iter()
        .map(|row| OfferResponse::from_query_result(row, ""));
    let mut open = read.collect::<Result<Vec<_>, _>>()?;
    open.sort_unstable_by_key(|response| response.number);
    Ok(open)
}

/// Offers that should have begun or ended by now. In these words, so that the partial
/// indexes are used.
pub async fn overdue(db: &Db, now: Time, limit: u64) -> Result<Vec<OfferId>> {
    let sql = "SELECT id FROM b2b_offers \
               WHERE status = 'SCHEDULED' AND deleted_at IS NULL AND starts_at <= $1 UNION ALL \
               SELECT id FROM b2b_offers \
               WHERE status = 'ACTIVE' AND deleted_at IS NULL AND ends_at <= $1 LIMIT $2";
    let values = [now.micros().into(), limit.cast_signed().into()];
    let rows = db.read().query_all_raw(db.dialect().statement(sql, values));
    let ids = rows.await?;
    let ids = ids.iter().map(|row| row.try_get::<Uuid>("", "id"));
    Ok(ids
        .map(|id| id.map(OfferId::from))
        .collect::<Result<_, _>>()?)
}

/// Adds a round to a negotiation.
pub async fn append_round(tx: &Tx, new: &round::Model) -> Result<()> {
    let row = new.clone().into_active_model().reset_all();
    round::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// The rounds of a negotiation, oldest first.
pub async fn rounds(conn: &impl Conn, id: OfferResponseId) -> Result<Vec<round::Model>> {
    let query = round::Entity::find()
        .filter(round::Column::ResponseId.eq(id.uuid()))
        .order_by_asc(round::Column::Number);
    Ok(query.all(conn).await?)
}

/// Adds bids to an auction, in their order.
pub async fn append_bids(tx: &Tx, new: &[bid::Model]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let rows = new.iter().cloned();
    let rows = rows.map(|row| row.into_active_model().reset_all());
    bid::Entity::insert_many(rows)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}
