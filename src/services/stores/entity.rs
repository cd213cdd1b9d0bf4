//! The tables of stores. Private to `store`.

use sea_orm::entity::prelude::*;

/// `stores`, without what only its full-text index needs.
pub(super) mod row {
    use super::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "stores")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: Uuid,
        pub address_id: Uuid,
        pub status: String,
        pub name: String,
        pub name_key: String,
        pub description: String,
        pub search_text: String,
        pub phone: String,
        pub email: Option<String>,
        pub street: Option<String>,
        pub line2: Option<String>,
        pub city: Option<String>,
        pub city_key: String,
        pub commune: Option<String>,
        pub state: Option<String>,
        pub wilaya: Option<String>,
        pub postal_code: Option<String>,
        pub country: String,
        pub latitude: f64,
        pub longitude: f64,
        pub cell_4: i64,
        pub cell_6: i64,
        pub cell_8: i64,
        pub unit_x: f64,
        pub unit_y: f64,
        pub unit_z: f64,
        pub opening_hours: Option<String>,
        pub delivery_radius_km: f64,
        pub min_order_amount: Option<i64>,
        pub currency: String,
        pub image_url: Option<String>,
        pub suspended_reason: Option<String>,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub deleted_at: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `store_managers`.
pub(super) mod member {
    use super::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "store_managers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub store_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub role: String,
        pub created_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
