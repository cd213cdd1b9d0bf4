//! What is open of those who would leave, and what is forgotten of them.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::super::entity::{offer, response};
use crate::db::{Conn, Tx};
use crate::kernel::Result;
use crate::kernel::id::{StoreId, UserId};

/// Whether a user has offers that are not over, or responses that bind.
pub async fn open_of_user(tx: &Tx, user: UserId) -> Result<bool> {
    let offers = open().filter(offer::Column::SellerId.eq(user.uuid()));
    if offers.one(tx.conn()).await?.is_some() {
        return Ok(true);
    }
    let responses = response::Entity::find()
        .filter(response::Column::BuyerId.eq(user.uuid()))
        .filter(response::Column::Status.eq("PENDING"))
        .limit(1);
    Ok(responses.one(tx.conn()).await?.is_some())
}

/// Whether a store has offers that are not over.
pub async fn open_of_store(tx: &Tx, store: StoreId) -> Result<bool> {
    let offers = open().filter(offer::Column::StoreId.eq(store.uuid()));
    Ok(offers.one(tx.conn()).await?.is_some())
}

fn open() -> sea_orm::Select<offer::Entity> {
    offer::Entity::find()
        .filter(offer::Column::Status.is_in(["SCHEDULED", "ACTIVE"]))
        .filter(offer::Column::DeletedAt.is_null())
        .limit(1)
}

/// Empties what a user said in negotiations and bids, and takes the addresses off.
pub async fn forget(tx: &Tx, user: UserId) -> Result<()> {
    // Of a response it keeps what was said last, by either side.
    let of_responses = "UPDATE b2b_responses SET \
         address_id = CASE WHEN buyer_id = $1 THEN NULL ELSE address_id END, \
         message = CASE WHEN (buyer_id = $1) = (proposed_by <> 'SELLER') THEN '' ELSE message END \
         WHERE buyer_id = $1 OR seller_id = $1";
    let of_buyer = "UPDATE b2b_rounds SET message = '' \
         WHERE message <> '' AND party = 'BUYER' AND response_id IN \
             (SELECT id FROM b2b_responses WHERE buyer_id = $1)";
    let of_seller = "UPDATE b2b_rounds SET message = '' \
         WHERE message <> '' AND party = 'SELLER' AND response_id IN \
             (SELECT id FROM b2b_responses WHERE seller_id = $1)";
    for sql in [of_responses, of_buyer, of_seller] {
        let statement = tx.dialect().statement(sql, [user.uuid().into()]);
        tx.conn().execute_raw(statement).await?;
    }
    Ok(())
}
