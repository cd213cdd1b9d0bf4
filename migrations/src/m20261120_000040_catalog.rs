//! Categories and products.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, TABLES).await?;
        either(manager, COLLATION_POSTGRES, "").await?;
        both(manager, INDEXES).await?;
        either(manager, SEARCH_POSTGRES, SEARCH_SQLITE).await?;
        either(manager, STORE_POSTGRES, STORE_SQLITE).await
    }
}

// `number` is what the full-text index of SQLite refers to; nothing else does.
//
// `price_override` and `in_stock` follow the product's stock record by trigger, so that
// lists filter and sort on what a buyer pays and can have; `store_visible` follows the
// status of its store. A deleted product leaves its category, its slug and its article
// number to others.
const TABLES: &str = "
CREATE TABLE categories (
    id UUID PRIMARY KEY NOT NULL,
    parent_id UUID REFERENCES categories (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    name_key TEXT NOT NULL,
    slug TEXT NOT NULL,
    description TEXT NOT NULL,
    image_url TEXT NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 0),
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (parent_id <> id)
);
CREATE UNIQUE INDEX categories_slug ON categories (slug);
CREATE UNIQUE INDEX categories_top_name ON categories (name_key) WHERE parent_id IS NULL;
CREATE UNIQUE INDEX categories_name ON categories (parent_id, name_key)
    WHERE parent_id IS NOT NULL;

CREATE TABLE products (
    number BIGSERIAL PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    store_id UUID NOT NULL REFERENCES stores (id),
    seller_id UUID NOT NULL REFERENCES users (id),
    category_id UUID REFERENCES categories (id),
    status TEXT NOT NULL CHECK (status IN ('DRAFT', 'ACTIVE', 'INACTIVE', 'DELETED')),
    slug TEXT NOT NULL CHECK (length(slug) BETWEEN 1 AND 240),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 3 AND 200),
    name_key TEXT NOT NULL,
    description TEXT NOT NULL CHECK (length(description) <= 2000),
    search_text TEXT NOT NULL,
    brand TEXT NOT NULL,
    brand_key TEXT NOT NULL,
    type TEXT NOT NULL,
    sku TEXT NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    price_override BIGINT CHECK (price_override >= 0),
    sale_price BIGINT NOT NULL GENERATED ALWAYS AS (COALESCE(price_override, price)) STORED,
    original_price BIGINT CHECK (original_price >= price),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    promo_ends_at BIGINT CHECK (promo_ends_at IS NULL OR original_price IS NOT NULL),
    weight DOUBLE PRECISION CHECK (weight >= 0),
    min_order_quantity INTEGER NOT NULL CHECK (min_order_quantity >= 1),
    images TEXT NOT NULL,
    tags TEXT NOT NULL,
    specifications TEXT NOT NULL,
    benefits TEXT NOT NULL,
    ingredients TEXT NOT NULL,
    usage TEXT NOT NULL,
    delivery_note TEXT NOT NULL,
    returns_note TEXT NOT NULL,
    payment_note TEXT NOT NULL,
    in_stock BOOLEAN NOT NULL,
    store_visible BOOLEAN NOT NULL,
    featured BOOLEAN NOT NULL,
    rating DOUBLE PRECISION NOT NULL CHECK (rating BETWEEN 0 AND 5),
    views INTEGER NOT NULL CHECK (views >= 0),
    version BIGINT NOT NULL CHECK (version > 0),
    published_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    UNIQUE (store_id, id),
    CHECK (status <> 'ACTIVE' OR published_at IS NOT NULL),
    CHECK ((status = 'DELETED') = (deleted_at IS NOT NULL)),
    CHECK (status <> 'DELETED' OR category_id IS NULL)
);
";

// Names sort by the bytes of their folded form, as SQLite does by itself.
const COLLATION_POSTGRES: &str = "
ALTER TABLE products ALTER COLUMN name_key TYPE TEXT COLLATE \"C\",
    ALTER COLUMN brand_key TYPE TEXT COLLATE \"C\";
";

// Ids grow with the time of creation, so that `id` orders by newest. Every order of a
// public list has its index over the products on sale, and so has every filter.
const INDEXES: &str = "
CREATE UNIQUE INDEX products_slug ON products (slug) WHERE status <> 'DELETED';
CREATE UNIQUE INDEX products_sku ON products (store_id, sku)
    WHERE sku <> '' AND status <> 'DELETED';
CREATE INDEX products_newest ON products (id) WHERE status = 'ACTIVE' AND store_visible;
CREATE INDEX products_by_price ON products (sale_price, id)
    WHERE status = 'ACTIVE' AND store_visible;
CREATE INDEX products_by_name ON products (name_key, id)
    WHERE status = 'ACTIVE' AND store_visible;
CREATE INDEX products_by_category ON products (category_id, id);
CREATE INDEX products_by_seller ON products (seller_id, category_id, id)
    WHERE status = 'ACTIVE' AND store_visible;
CREATE INDEX products_by_brand ON products (brand_key, id)
    WHERE status = 'ACTIVE' AND store_visible AND brand_key <> '';
CREATE INDEX products_by_stock ON products (in_stock, id)
    WHERE status = 'ACTIVE' AND store_visible;
CREATE INDEX products_featured ON products (status, id)
    WHERE status = 'ACTIVE' AND store_visible AND featured;
";

const SEARCH_POSTGRES: &str = "
ALTER TABLE products ADD COLUMN search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', name_key), 'A')
    || setweight(to_tsvector('simple', search_text), 'D')
) STORED;
CREATE INDEX products_search ON products USING gin (search);
";

const SEARCH_SQLITE: &str = "
CREATE VIRTUAL TABLE products_search USING fts5(
    name_key, search_text, content = 'products', content_rowid = 'number', prefix = '2 3'
);
CREATE TRIGGER products_search_insert AFTER INSERT ON products BEGIN
    INSERT INTO products_search (rowid, name_key, search_text)
    VALUES (new.number, new.name_key, new.search_text);
END;
CREATE TRIGGER products_search_update AFTER UPDATE OF name_key, search_text ON products
WHEN old.name_key <> new.name_key OR old.search_text <> new.search_text BEGIN
    INSERT INTO products_search (products_search, rowid, name_key, search_text)
    VALUES ('delete', old.number, old.name_key, old.search_text);
    INSERT INTO products_search (rowid, name_key, search_text)
    VALUES (new.number, new.name_key, new.search_text);
END;
CREATE TRIGGER products_search_delete AFTER DELETE ON products BEGIN
    INSERT INTO products_search (products_search, rowid, name_key, search_text)
    VALUES ('delete', old.number, old.name_key, old.search_text);
END;
";

const STORE_POSTGRES: &str = "
CREATE FUNCTION products_follow_store() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE products SET store_visible = new.status IN ('ACTIVE', 'PAUSED')
    WHERE store_id = new.id;
    RETURN NULL;
END $$;
CREATE TRIGGER products_store_changed AFTER UPDATE OF status ON stores FOR EACH ROW
    WHEN ((new.status IN ('ACTIVE', 'PAUSED')) <> (old.status IN ('ACTIVE', 'PAUSED')))
    EXECUTE FUNCTION products_follow_store();
";

const STORE_SQLITE: &str = "
CREATE TRIGGER products_store_changed AFTER UPDATE OF status ON stores
WHEN (new.status IN ('ACTIVE', 'PAUSED')) <> (old.status IN ('ACTIVE', 'PAUSED')) BEGIN
    UPDATE products SET store_visible = new.status IN ('ACTIVE', 'PAUSED')
    WHERE store_id = new.id;
END;
";
