//! The tables of orders. Private to `store`.

use sea_orm::entity::prelude::*;

/// `orders`.
pub(super) mod order {
    use super::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub order_number: String,
        pub checkout_group: Uuid,
        pub user_id: Option<Uuid>,
        pub store_id: Option<Uuid>,
        pub store_name: String,
        pub seller_id: Option<Uuid>,
        pub buyer_kind: String,
        pub source: String,
        pub status: String,
        pub payment_method: String,
        pub payment_status: String,
        pub delivery_type: String,
        pub customer_name: String,
        pub customer_phone: String,
        pub customer_email: String,
        pub wilaya_code: String,
        pub commune: String,
        pub address: String,
        pub postal_code: String,
        pub country: String,
        pub latitude: Option<f64>,
        pub longitude: Option<f64>,
        pub subtotal: i64,
        pub shipping: i64,
        pub tax: i64,
        pub discount: i64,
        pub total: i64,
        pub currency: String,
        pub notes: String,
        pub tracking_number: String,
        pub estimated_delivery_at: Option<i64>,
        pub delivered_at: Option<i64>,
        pub cancelled_at: Option<i64>,
        pub cancel_reason: String,
        pub return_requested_at: Option<i64>,
        pub return_reason: String,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub offer_id: Option<Uuid>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `order_items`.
pub(super) mod item {
    use super::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_items")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub order_id: Uuid,
        pub position: i32,
        pub product_id: Option<Uuid>,
        pub name: String,
        pub image: String,
        pub sku: String,
        pub unit_price: i64,
        pub quantity: i32,
        pub subtotal: i64,
        pub reel_id: Option<Uuid>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `order_history`.
pub(super) mod history {
    use super::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_history")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i64,
        pub from_status: Option<String>,
        pub status: String,
        pub actor: String,
        pub actor_id: Option<Uuid>,
        pub note: String,
        pub created_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
