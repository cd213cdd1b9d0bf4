//! The tables of accounts and address books. Private to `store`; the rows are the model.

use sea_orm::entity::prelude::*;

/// `users`.
pub mod user {
    use super::*;

    /// An account.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub phone: Option<String>,
        pub phone_verified: bool,
        pub email: Option<String>,
        pub email_verified: bool,
        pub name: Option<String>,
        pub first_name: Option<String>,
        pub last_name: Option<String>,
        pub role: String,
        pub avatar_url: Option<String>,
        pub bio: Option<String>,
        pub wilaya: Option<String>,
        pub preferred_store_id: Option<Uuid>,
        pub is_active: bool,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub deleted_at: Option<i64>,
        pub seller_category: Option<String>,
        pub is_verified: bool,
        pub former_category: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `user_addresses`.
pub mod address {
    use super::*;

    /// An entry of an address book.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_addresses")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub title: String,
        pub street: Option<String>,
        pub line2: Option<String>,
        pub city: Option<String>,
        pub commune: Option<String>,
        pub state: Option<String>,
        pub wilaya: Option<String>,
        pub postal_code: Option<String>,
        pub country: Option<String>,
        pub latitude: Option<f64>,
        pub longitude: Option<f64>,
        pub is_default: bool,
        pub created_at: i64,
        pub updated_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
