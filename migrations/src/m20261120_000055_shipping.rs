//! Tables of shipping rates: one of the marketplace, at most one of each store.

use sea_orm_migration::prelude::*;

use crate::sql::both;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, TABLES).await
    }
}

// The id is the store's; the nil UUID is the marketplace's. Rates are read and replaced as
// a whole, so they stand in one JSON text.
const TABLES: &str = "
CREATE TABLE shipping_tables (
    id UUID PRIMARY KEY NOT NULL,
    store_id UUID UNIQUE REFERENCES stores (id),
    rates TEXT NOT NULL,
    flat BIGINT CHECK (flat >= 0),
    free_from BIGINT CHECK (free_from >= 0),
    version BIGINT NOT NULL CHECK (version > 0),
    updated_at BIGINT NOT NULL,
    CHECK (store_id IS NULL OR store_id = id)
);
";
