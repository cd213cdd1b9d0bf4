//! The tables of the inventory. Private to `store`.

use sea_orm::entity::prelude::*;

/// `stock`.
pub mod stock {
    use super::*;

    /// What one store has of one product. The `last_*` columns tell of the last change of
    /// `on_hand`.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stock")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub store_id: Uuid,
        pub product_id: Uuid,
        pub product_name: String,
        pub product_name_key: String,
        pub sku: String,
        pub gone: bool,
        pub on_hand: i32,
        pub reserved: i32,
        pub reorder_level: i32,
        pub max_level: Option<i32>,
        pub price_override: Option<i64>,
        pub enabled: bool,
        pub last_restocked_at: Option<i64>,
        pub last_movement_id: Uuid,
        pub last_reason: String,
        pub last_order_id: Option<Uuid>,
        pub last_actor: Option<Uuid>,
        pub last_note: String,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `stock_movements`.
pub mod movement {
    use super::*;

    /// One change of the pieces on hand.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stock_movements")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub stock_id: Uuid,
        pub delta: i32,
        pub on_hand: i32,
        pub reason: String,
        pub order_id: Option<Uuid>,
        pub actor: Option<Uuid>,
        pub note: String,
        pub created_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `reservations`.
pub mod reservation {
    use super::*;

    /// Pieces held for an order under way.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reservations")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub stock_id: Uuid,
        pub store_id: Uuid,
        pub product_id: Uuid,
        pub quantity: i32,
        pub user_id: Option<Uuid>,
        pub order_id: Option<Uuid>,
        pub status: String,
        pub expires_at: i64,
        pub created_at: i64,
        pub ended_at: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
