//! The tables of the catalog. Private to `store`; the rows are the model.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::db::JsonText;

/// `categories`.
pub mod category {
    use super::*;

    /// One shelf of the catalog.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "categories")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub parent_id: Option<Uuid>,
        pub name: String,
        pub name_key: String,
        pub slug: String,
        pub description: String,
        pub image_url: String,
        pub position: i32,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `products`, without the columns that the database makes for itself.
pub mod product {
    use std::collections::BTreeMap;

    use super::*;
    use crate::services::catalog::Image;

    /// One product of one store.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
    #[sea_orm(table_name = "products")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub store_id: Uuid,
        pub seller_id: Uuid,
        pub category_id: Option<Uuid>,
        pub status: String,
        pub slug: String,
        pub name: String,
        pub name_key: String,
        pub description: String,
        pub search_text: String,
        pub brand: String,
        pub brand_key: String,
        #[sea_orm(column_name = "type")]
        pub kind: String,
        pub sku: String,
        pub price: i64,
        pub price_override: Option<i64>,
        pub original_price: Option<i64>,
        pub currency: String,
        pub promo_ends_at: Option<i64>,
        pub weight: Option<f64>,
        pub min_order_quantity: i32,
        #[sea_orm(column_type = "Text")]
        pub images: JsonText<Vec<Image>>,
        #[sea_orm(column_type = "Text")]
        pub tags: JsonText<Vec<String>>,
        #[sea_orm(column_type = "Text")]
        pub specifications: JsonText<BTreeMap<String, String>>,
        pub benefits: String,
        pub ingredients: String,
        pub usage: String,
        pub delivery_note: String,
        pub returns_note: String,
        pub payment_note: String,
        pub in_stock: bool,
        pub store_visible: bool,
        pub tier: String,
        pub featured: bool,
        pub rating: f64,
        pub views: i32,
        pub version: i64,
        pub published_at: Option<i64>,
        pub created_at: i64,
        pub updated_at: i64,
        pub deleted_at: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
