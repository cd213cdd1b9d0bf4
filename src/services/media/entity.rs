//! The table of files. Private to `store`; the row is the model.

use sea_orm::entity::prelude::*;

/// `media`.
pub mod media {
    use super::*;

    /// One file.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "media")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: Uuid,
        pub product_id: Option<Uuid>,
        pub purpose: String,
        pub status: String,
        pub key: String,
        pub content_type: String,
        pub size: i64,
        pub upload_id: String,
        pub part_size: Option<i64>,
        pub thumbnail_key: String,
        pub width: Option<i32>,
        pub height: Option<i32>,
        pub duration_ms: Option<i32>,
        pub failure: String,
        pub uses: i32,
        pub unused_since: Option<i64>,
        pub checked_at: Option<i64>,
        pub expires_at: i64,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
