//! The table of the audit log. Private to `store` and `convert`; the row is the model.

use sea_orm::entity::prelude::*;

/// One change that an administrator made.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub actor_id: Uuid,
    pub method: String,
    pub request: String,
    pub request_id: String,
    pub ip_address: Option<String>,
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
