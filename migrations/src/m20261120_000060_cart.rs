//! Carts.

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

// Everyone has at most one cart row, which a change locks first: changes of one cart
// therefore follow one another.
const TABLES: &str = "
CREATE TABLE carts (
    user_id UUID PRIMARY KEY NOT NULL REFERENCES users (id),
    updated_at BIGINT NOT NULL
);

CREATE TABLE cart_lines (
    id UUID PRIMARY KEY NOT NULL,
    user_id UUID NOT NULL REFERENCES carts (user_id),
    product_id UUID NOT NULL REFERENCES products (id),
    store_id UUID NOT NULL REFERENCES stores (id),
    quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    price_at_add BIGINT NOT NULL CHECK (price_at_add >= 0),
    added_at BIGINT NOT NULL,
    UNIQUE (user_id, product_id)
);
CREATE INDEX cart_lines_listed ON cart_lines (user_id, added_at, id);
";
