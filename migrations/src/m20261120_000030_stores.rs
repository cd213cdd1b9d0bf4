//! Stores and their staff.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, TABLES).await?;
        either(manager, SEARCH_POSTGRES, SEARCH_SQLITE).await
    }
}

// `number` is what the full-text index of SQLite refers to; nothing else does.
//
// `cell_4`, `cell_6` and `cell_8` are the H3 cells of the place at three resolutions, and
// `unit_*` its position on the unit sphere: the square of the chord between two such
// positions orders by distance and needs arithmetic only, the same on both databases.
const TABLES: &str = "
CREATE TABLE stores (
    number BIGSERIAL PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    owner_id UUID NOT NULL REFERENCES users (id),
    address_id UUID NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('DRAFT', 'ACTIVE', 'PAUSED', 'SUSPENDED', 'DELETED')),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    name_key TEXT NOT NULL,
    description TEXT NOT NULL CHECK (length(description) <= 2000),
    search_text TEXT NOT NULL,
    phone TEXT NOT NULL,
    email TEXT,
    street TEXT,
    line2 TEXT,
    city TEXT,
    city_key TEXT NOT NULL,
    commune TEXT,
    state TEXT,
    wilaya TEXT CHECK (length(wilaya) = 2),
    postal_code TEXT,
    country TEXT NOT NULL,
    latitude DOUBLE PRECISION NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude DOUBLE PRECISION NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    cell_4 BIGINT NOT NULL,
    cell_6 BIGINT NOT NULL,
    cell_8 BIGINT NOT NULL,
    unit_x DOUBLE PRECISION NOT NULL,
    unit_y DOUBLE PRECISION NOT NULL,
    unit_z DOUBLE PRECISION NOT NULL,
    opening_hours TEXT,
    delivery_radius_km DOUBLE PRECISION NOT NULL CHECK (delivery_radius_km >= 0),
    min_order_amount BIGINT CHECK (min_order_amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    image_url TEXT,
    suspended_reason TEXT,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CHECK ((status = 'DELETED') = (deleted_at IS NOT NULL))
);
CREATE INDEX stores_owner ON stores (owner_id, id);
CREATE INDEX stores_by_name ON stores (name_key, id) WHERE status = 'ACTIVE';
CREATE INDEX stores_by_city ON stores (city_key, name_key, id) WHERE status = 'ACTIVE';
CREATE INDEX stores_by_wilaya ON stores (wilaya, name_key, id) WHERE status = 'ACTIVE';
CREATE INDEX stores_cell_4 ON stores (cell_4) WHERE status = 'ACTIVE';
CREATE INDEX stores_cell_6 ON stores (cell_6) WHERE status = 'ACTIVE';
CREATE INDEX stores_cell_8 ON stores (cell_8) WHERE status = 'ACTIVE';

CREATE TABLE store_managers (
    store_id UUID NOT NULL REFERENCES stores (id),
    user_id UUID NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('MANAGER', 'STAFF')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (store_id, user_id)
);
CREATE INDEX store_managers_user ON store_managers (user_id, store_id);
CREATE INDEX store_managers_joined ON store_managers (store_id, created_at, user_id);
";

const SEARCH_POSTGRES: &str = "
ALTER TABLE stores ADD COLUMN search tsvector
    GENERATED ALWAYS AS (to_tsvector('simple', search_text)) STORED;
CREATE INDEX stores_search ON stores USING gin (search);
";

const SEARCH_SQLITE: &str = "
CREATE VIRTUAL TABLE stores_search USING fts5(
    search_text, content = 'stores', content_rowid = 'number', prefix = '2 3'
);
CREATE TRIGGER stores_search_insert AFTER INSERT ON stores BEGIN
    INSERT INTO stores_search (rowid, search_text) VALUES (new.number, new.search_text);
END;
CREATE TRIGGER stores_search_update AFTER UPDATE OF search_text ON stores
WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO stores_search (stores_search, rowid, search_text)
    VALUES ('delete', old.number, old.search_text);
    INSERT INTO stores_search (rowid, search_text) VALUES (new.number, new.search_text);
END;
CREATE TRIGGER stores_search_delete AFTER DELETE ON stores BEGIN
    INSERT INTO stores_search (stores_search, rowid, search_text)
    VALUES ('delete', old.number, old.search_text);
END;
";
