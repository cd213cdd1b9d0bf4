//! The tables of the trade between businesses. Private to `store`; the rows are the model.

use sea_orm::entity::prelude::*;

/// `b2b_offers`.
pub mod offer {
    use super::*;
    use crate::db::JsonText;
    use crate::services::b2b::offer::PriceTier;

    /// What a seller of one tier offers to another.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "b2b_offers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub store_id: Uuid,
        pub store_name: String,
        pub seller_id: Uuid,
        pub seller_category: String,
        pub seller_verified: bool,
        pub store_visible: bool,
        pub product_id: Option<Uuid>,
        pub title: String,
        pub description: String,
        pub images: JsonText<Vec<String>>,
        pub tags: JsonText<Vec<String>>,
        #[sea_orm(column_name = "type")]
        pub kind: String,
        pub target: String,
        pub base_price: i64,
        pub currency: String,
        pub min_quantity: i32,
        pub available_quantity: i32,
        pub initial_quantity: i32,
        pub price_tiers: JsonText<Vec<PriceTier>>,
        pub status: String,
        pub outcome: String,
        pub starts_at: i64,
        pub ends_at: Option<i64>,
        pub responses_count: i32,
        pub bid_increment: i64,
        pub reserve_price: Option<i64>,
        pub anti_sniping: bool,
        pub extensions: i32,
        pub first_ends_at: Option<i64>,
        pub bids_count: i32,
        pub current_bid: Option<i64>,
        pub leader_id: Option<Uuid>,
        pub leader_number: Option<i32>,
        pub ending_told: bool,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub ended_at: Option<i64>,
        pub deleted_at: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `b2b_responses`.
pub mod response {
    use super::*;

    /// What one buyer answered to one offer.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "b2b_responses")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub offer_id: Uuid,
        pub buyer_id: Uuid,
        pub seller_id: Uuid,
        pub number: i32,
        #[sea_orm(column_name = "type")]
        pub kind: String,
        pub status: String,
        pub refusal: String,
        pub amount: i64,
        pub quantity: i32,
        pub max_amount: Option<i64>,
        pub message: String,
        pub payment_method: String,
        pub address_id: Option<Uuid>,
        pub round: i32,
        pub proposed_by: String,
        pub order_id: Option<Uuid>,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `b2b_rounds`.
pub mod round {
    use super::*;

    /// Terms that one side of a negotiation proposed.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "b2b_rounds")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub response_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        pub party: String,
        pub amount: i64,
        pub quantity: i32,
        pub message: String,
        pub created_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `b2b_bids`.
pub mod bid {
    use super::*;

    /// One bid of an auction.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "b2b_bids")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub offer_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        pub response_id: Uuid,
        pub amount: i64,
        pub quantity: i32,
        pub automatic: bool,
        pub ends_at: i64,
        pub created_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
