//! Lists of offers, responses and bids, each on an index of its order.

#[cfg(test)]
mod plans;

use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, Statement,
};
use uuid::Uuid;

use super::super::access::Trader;
use super::super::entity::{bid, offer, response};
use super::super::list::{Among, OfferFilter, ResponseFilter};
use super::super::offer::{Offer, OfferResponse};
use super::super::state::{OfferStatus, may_target};
use crate::db::Conn;
use crate::kernel::Result;
use crate::kernel::id::{OfferId, UserId};
use crate::kernel::page::{PageRequest, read_cursor};
use crate::services::users::SellerCategory;

/// Bids that a history tells.
const TOP: u64 = 20;

/// The offers of a page and one more, newest first, and in page mode the number of all.
pub async fn offers(
    conn: &impl Conn,
    filter: &OfferFilter,
    page: &PageRequest,
) -> Result<(Vec<Offer>, Option<u64>)> {
    let total = match page.is_numbered() {
        true => {
            let matching = offer::Entity::find().filter(offers_of(filter));
            Some(matching.count(conn).await?)
        }
        false => None,
    };
    Ok((offers_page(filter, page)?.all(conn).await?, total))
}

/// The query that reads a page.
pub(super) fn offers_page(
    filter: &OfferFilter,
    page: &PageRequest,
) -> Result<Select<offer::Entity>> {
    Ok(offer::Entity::find()
        .filter(offers_of(filter))
        .filter(Condition::all().add_option(after(page)?.map(|id| offer::Column::Id.lt(id))))
        .order_by_desc(offer::Column::Id)
        .offset(page.offset())
        .limit(page.limit + 1))
}

fn offers_of(filter: &OfferFilter) -> Condition {
    // Nobody asks for what is over without saying so, but for the own offers.
    let status = match (filter.status, filter.among) {
        (None, Among::SeenBy(_)) => Some(OfferStatus::Active),
        (status, _) => status,
    };
    let among = match filter.among {
        Among::Of(seller) => Condition::all().add(offer::Column::SellerId.eq(seller.uuid())),
        Among::SeenBy(trader) => seen_by(&trader, status),
    };
    let kind = filter.kind.map(|one| offer::Column::Kind.eq(one.as_str()));
    let target = filter
        .target
        .map(|one| offer::Column::Target.eq(one.as_str()));
    let seller = filter
        .seller
        .map(|id| offer::Column::SellerId.eq(id.uuid()));
    Condition::all()
        .add(offer::Column::DeletedAt.is_null())
        .add(among)
        .add_option(status.map(in_status))
        .add_option(kind)
        .add_option(target)
        .add_option(seller)
}

/// In these words, so that the partial indexes are used.
fn in_status(status: OfferStatus) -> SimpleExpr {
    Expr::cust(format!("b2b_offers.status = '{}'", status.as_str()))
}

/// What a trader sees of those in a status: of others only what is ACTIVE.
fn seen_by(trader: &Trader, status: Option<OfferStatus>) -> Condition {
    if trader.is_admin {
        return Condition::all();
    }
    let own = Condition::any().add(offer::Column::SellerId.eq(trader.user.uuid()));
    let Some(tier) = trader.tier else {
        return own;
    };
    let above = SellerCategory::ALL.into_iter();
    let above = above.filter(|seller| may_target(*seller, tier, trader.is_strict));
    let above: Vec<&str> = above.map(SellerCategory::as_str).collect();
    if status != Some(OfferStatus::Active) || above.is_empty() {
        return own;
    }
    let shown = Condition::all()
        .add(offer::Column::Target.eq(tier.as_str()))
        .add(offer::Column::SellerCategory.is_in(above))
        .add(offer::Column::StoreVisible.eq(true));
    own.add(shown)
}

/// Where a list goes on.
fn after(page: &PageRequest) -> Result<Option<Uuid>> {
    let cursor = page.cursor().map(read_cursor).transpose()?;
    Ok(cursor.map(|(id, _)| id))
}

/// The offers among these, in no order, deleted ones too.
pub async fn find_all(conn: &impl Conn, ids: &[OfferId]) -> Result<Vec<Offer>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ids.iter().map(|id| id.uuid());
    let query = offer::Entity::find().filter(offer::Column::Id.is_in(ids));
    Ok(query.all(conn).await?)
}

/// What a buyer answered to some offers, oldest first.
pub async fn of_buyer(
    conn: &impl Conn,
    buyer: UserId,
    offers: &[OfferId],
) -> Result<Vec<OfferResponse>> {
    if offers.is_empty() {
        return Ok(Vec::new());
    }
    let offers = offers.iter().map(|id| id.uuid());
    let query = response::Entity::find()
        .filter(response::Column::BuyerId.eq(buyer.uuid()))
        .filter(response::Column::OfferId.is_in(offers))
        .order_by_asc(response::Column::Id);
    Ok(query.all(conn).await?)
}

/// The responses of a page and one more, newest first, and in page mode the number of all.
pub async fn responses(
    conn: &impl Conn,
    filter: &ResponseFilter,
    page: &PageRequest,
) -> Result<(Vec<OfferResponse>, Option<u64>)> {
    let total = match page.is_numbered() {
        true => {
            let matching = response::Entity::find().filter(responses_of(filter));
            Some(matching.count(conn).await?)
        }
        false => None,
    };
    Ok((responses_page(filter, page)?.all(conn).await?, total))
}

/// The query that reads a page.
pub(super) fn responses_page(
    filter: &ResponseFilter,
    page: &PageRequest,
) -> Result<Select<response::Entity>> {
    Ok(response::Entity::find()
        .filter(responses_of(filter))
        .filter(Condition::all().add_option(after(page)?.map(|id| response::Column::Id.lt(id))))
        .order_by_desc(response::Column::Id)
        .offset(page.offset())
        .limit(page.limit + 1))
}

fn responses_of(filter: &ResponseFilter) -> Condition {
    let offer = filter
        .offer
        .map(|id| response::Column::OfferId.eq(id.uuid()));
    let buyer = filter
        .buyer
        .map(|id| response::Column::BuyerId.eq(id.uuid()));
    let status = filter
        .status
        .map(|status| response::Column::Status.eq(status.as_str()));
    Condition::all()
        .add_option(offer)
        .add_option(buyer)
        .add_option(status)
}

/// The highest bids of an auction with the numbers of their bidders, the highest first. Those
/// made since the offer was read are left out, so that both show the same moment.
pub async fn top_bids(conn: &impl Conn, offer: &Offer) -> Result<Vec<(bid::Model, i32)>> {
    let sql = "SELECT bids.*, responses.number AS bidder FROM b2b_bids bids \
               JOIN b2b_responses responses ON responses.id = bids.response_id \
               WHERE bids.offer_id = $1 AND bids.number <= $2 \
               ORDER BY bids.number DESC LIMIT $3";
    let values = [
        offer.id.into(),
        offer.bids_count.into(),
        TOP.cast_signed().into(),
    ];
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let rows = conn.query_all_raw(statement).await?;
    let read = rows.iter().map(|row| {
        let bid = bid::Model::from_query_result(row, "")?;
        Ok((bid, row.try_get("", "bidder")?))
    });
    read.collect()
}
