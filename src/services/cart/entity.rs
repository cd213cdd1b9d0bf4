//! The tables of carts. Private to `store`.

use sea_orm::entity::prelude::*;

/// `carts`.
pub(super) mod cart {
    use super::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "carts")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub updated_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `cart_lines`.
pub(super) mod line {
    use super::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "cart_lines")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub product_id: Uuid,
        pub store_id: Uuid,
        pub quantity: i32,
        pub price_at_add: i64,
        pub added_at: i64,
        pub reel_id: Option<Uuid>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
