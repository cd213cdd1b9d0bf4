//! Lists of offers, responses and bids, each on an index of its order.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};
use uuid::Uuid;

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
    let matching = offer::Entity::find().filter(offers_of(filter));
    let total = match page.is_numbered() {
        true => Some(matching.clone().count(conn).await?),
        false => None,
    };
    let rows = matching
        .filter(Condition::all().add_option(after(page)?.map(|id| offer::Column::Id.lt(id))))
        .order_by_desc(offer::Column::Id)
        .offset(page.offset())
        .limit(page.limit + 1)
        .all(conn)
        .await?;
    Ok((rows, total))
}

fn offers_of(filter: &OfferFilter) -> Condition {
    let is = |status: OfferStatus| offer::Column::Status.eq(status.as_str());
    let seen = match filter.among {
        Among::Of(seller) => Condition::all().add(offer::Column::SellerId.eq(seller.uuid())),
        Among::SeenBy(trader) => match trader.tier {
            None => Condition::all(),
            Some(own) => {
                let sellers = SellerCategory::ALL
                    .into_iter()
                    .filter(|seller| may_target(*seller, own, trader.is_strict))
                    .map(SellerCategory::as_str);
                let shown = Condition::all()
                    .add(is(OfferStatus::Active))
                    .add(offer::Column::Target.eq(own.as_str()))
                    .add(offer::Column::SellerCategory.is_in(sellers));
                Condition::any()
                    .add(shown)
                    .add(offer::Column::SellerId.eq(trader.user.uuid()))
            }
        },
    };
    // Nobody asks for what is over without saying so, but for the own offers.
    let status = match (filter.status, filter.among) {
        (None, Among::SeenBy(_)) => Some(OfferStatus::Active),
        (status, _) => status,
    };
    Condition::all()
        .add(offer::Column::DeletedAt.is_null())
        .add(seen)
        .add_option(status.map(is))
        .add_option(
            filter
                .kind
                .map(|kind| offer::Column::Kind.eq(kind.as_str())),
        )
        .add_option(
            filter
                .target
                .map(|tier| offer::Column::Target.eq(tier.as_str())),
        )
        .add_option(
            filter
                .seller
                .map(|id| offer::Column::SellerId.eq(id.uuid())),
        )
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
    let status = filter.status.map(|status| status.as_str());
    let matching = response::Entity::find().filter(
        Condition::all()
            .add_option(
                filter
                    .offer
                    .map(|id| response::Column::OfferId.eq(id.uuid())),
            )
            .add_option(
                filter
                    .buyer
                    .map(|id| response::Column::BuyerId.eq(id.uuid())),
            )
            .add_option(status.map(|status| response::Column::Status.eq(status))),
    );
    let total = match page.is_numbered() {
        true => Some(matching.clone().count(conn).await?),
        false => None,
    };
    let rows = matching
        .filter(Condition::all().add_option(after(page)?.map(|id| response::Column::Id.lt(id))))
        .order_by_desc(response::Column::Id)
        .offset(page.offset())
        .limit(page.limit + 1)
        .all(conn)
        .await?;
    Ok((rows, total))
}

/// The highest bids of an auction with the numbers of their bidders, the highest first.
pub async fn top_bids(conn: &impl Conn, id: OfferId) -> Result<Vec<(bid::Model, i32)>> {
    let sql = "SELECT bids.*, responses.number AS bidder FROM b2b_bids bids \
               JOIN b2b_responses responses ON responses.id = bids.response_id \
               WHERE bids.offer_id = $1 ORDER BY bids.number DESC LIMIT $2";
    let values = [id.uuid().into(), TOP.cast_signed().into()];
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let rows = conn.query_all_raw(statement).await?;
    let read = rows.iter().map(|row| {
        let bid = bid::Model::from_query_result(row, "")?;
        Ok((bid, row.try_get("", "bidder")?))
    });
    read.collect()
}
