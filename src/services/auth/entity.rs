//! The tables of sign-in. Private to `store`; the rows are the model.

use sea_orm::entity::prelude::*;

/// `sessions`.
pub mod session {
    use super::*;

    /// One sign-in of one user, from one device.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sessions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub exclusive: bool,
        pub device: Option<String>,
        pub ip_address: Option<String>,
        pub user_agent: Option<String>,
        pub created_at: i64,
        pub last_used_at: i64,
        pub expires_at: i64,
        pub ended_at: Option<i64>,
        pub end_reason: Option<String>,
        /// The identity provider that keeps the session; none for those of souk's own.
        pub provider: Option<String>,
        /// The provider's name for it.
        pub external_id: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `refresh_tokens`.
pub(super) mod refresh_token {
    use super::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "refresh_tokens")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub session_id: Uuid,
        pub token_hash: Vec<u8>,
        pub created_at: i64,
        pub consumed_at: Option<i64>,
        pub successor_id: Option<Uuid>,
        pub successor_salt: Option<Vec<u8>>,
        pub revoked_at: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
