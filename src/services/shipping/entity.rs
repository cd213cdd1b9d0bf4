//! The table of rate tables. Private to `store`.

use sea_orm::entity::prelude::*;

/// `shipping_tables`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shipping_tables")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub store_id: Option<Uuid>,
    pub rates: String,
    pub flat: Option<i64>,
    pub free_from: Option<i64>,
    pub version: i64,
    pub updated_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
