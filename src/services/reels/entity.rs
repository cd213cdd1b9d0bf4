//! The tables of reels. Private to `store`; the rows are the model.

use sea_orm::entity::prelude::*;

/// `reels`.
pub mod reel {
    use super::*;

    /// A short video of one product.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reels")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub product_id: Uuid,
        pub store_id: Uuid,
        pub seller_id: Uuid,
        pub status: String,
        pub caption: String,
        pub video_media_id: Option<Uuid>,
        pub thumbnail_media_id: Option<Uuid>,
        pub next_thumbnail_media_id: Option<Uuid>,
        pub video_url: String,
        pub thumbnail_url: String,
        pub duration_ms: Option<i32>,
        pub size: i64,
        pub width: Option<i32>,
        pub height: Option<i32>,
        pub failure: String,
        pub hidden: bool,
        pub version: i64,
        pub published_at: Option<i64>,
        pub created_at: i64,
        pub updated_at: i64,
        pub deleted_at: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `reel_comments`.
pub mod comment {
    use super::*;

    /// What somebody says to a reel.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reel_comments")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub reel_id: Uuid,
        pub user_id: Uuid,
        pub content: String,
        pub edited: bool,
        pub hidden: bool,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub deleted_at: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `reel_reports`.
pub mod report {
    use super::*;

    /// A complaint about a reel or, where there is one, its comment.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reel_reports")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub reel_id: Uuid,
        pub comment_id: Option<Uuid>,
        pub reporter_id: Uuid,
        pub reason: String,
        pub note: String,
        pub content: String,
        pub status: String,
        pub resolved_by: Option<Uuid>,
        pub resolved_at: Option<i64>,
        pub created_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `blocked_words`.
pub mod word {
    use super::*;

    /// A word that no caption and no comment may hold.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "blocked_words")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub word: String,
        pub word_key: String,
        pub created_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
