//! Orders, their lines and their history.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, TABLES).await?;
        either(manager, POSTGRES_GUARDS, SQLITE_GUARDS).await
    }
}

/// An order without a store is made of free items; it then has no stock behind it.
const TABLES: &str = "
CREATE TABLE orders (
    id UUID PRIMARY KEY NOT NULL,
    order_number TEXT NOT NULL UNIQUE,
    checkout_group UUID NOT NULL,
    user_id UUID REFERENCES users (id),
    store_id UUID REFERENCES stores (id),
    store_name TEXT NOT NULL,
    seller_id UUID REFERENCES users (id),
    buyer_kind TEXT NOT NULL CHECK (buyer_kind IN ('B2C', 'B2B')),
    source TEXT NOT NULL CHECK (source IN ('DIRECT', 'CART', 'AD_HOC')),
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'PAYMENT_PENDING', 'CONFIRMED', 'PROCESSING', 'READY',
        'SHIPPED', 'OUT_FOR_DELIVERY', 'DELIVERED', 'CANCELLED', 'FAILED', 'RETURNED')),
    payment_method TEXT NOT NULL CHECK (payment_method IN ('COD', 'CCP', 'CARD', 'BANK_TRANSFER', 'STRIPE', 'PAYPAL')),
    payment_status TEXT NOT NULL CHECK (payment_status IN ('PENDING', 'PAID', 'FAILED', 'PARTIALLY_REFUNDED', 'REFUNDED')),
    delivery_type TEXT NOT NULL CHECK (delivery_type IN ('HOME', 'STOP_DESK', 'PICKUP')),
    customer_name TEXT NOT NULL,
    customer_phone TEXT NOT NULL,
    customer_email TEXT NOT NULL,
    wilaya_code TEXT NOT NULL,
    commune TEXT NOT NULL,
    address TEXT NOT NULL,
    postal_code TEXT NOT NULL,
    country TEXT NOT NULL,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    subtotal BIGINT NOT NULL CHECK (subtotal >= 0),
    shipping BIGINT NOT NULL CHECK (shipping >= 0),
    tax BIGINT NOT NULL CHECK (tax >= 0),
    discount BIGINT NOT NULL CHECK (discount >= 0),
    total BIGINT NOT NULL CHECK (total >= 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    notes TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    estimated_delivery_at BIGINT,
    delivered_at BIGINT,
    cancelled_at BIGINT,
    cancel_reason TEXT NOT NULL,
    return_requested_at BIGINT,
    return_reason TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (total = subtotal + shipping + tax - discount),
    CHECK ((source = 'AD_HOC') = (store_id IS NULL)),
    CHECK ((store_id IS NULL) = (seller_id IS NULL)),
    CHECK ((status = 'CANCELLED') = (cancelled_at IS NOT NULL)),
    CHECK (status NOT IN ('DELIVERED') OR delivered_at IS NOT NULL)
);
CREATE INDEX orders_user ON orders (user_id, created_at, id);
CREATE INDEX orders_user_status ON orders (user_id, status, created_at, id);
CREATE INDEX orders_store ON orders (store_id, created_at, id);
CREATE INDEX orders_store_status ON orders (store_id, status, created_at, id);
CREATE INDEX orders_seller_status ON orders (seller_id, status);
CREATE INDEX orders_phone ON orders (customer_phone, created_at, id);
CREATE INDEX orders_group ON orders (checkout_group);
CREATE INDEX orders_unconfirmed ON orders (created_at) WHERE status = 'PENDING';

CREATE TABLE order_items (
    id UUID PRIMARY KEY NOT NULL,
    order_id UUID NOT NULL REFERENCES orders (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    product_id UUID REFERENCES products (id),
    name TEXT NOT NULL,
    image TEXT NOT NULL,
    sku TEXT NOT NULL,
    unit_price BIGINT NOT NULL CHECK (unit_price >= 0),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    subtotal BIGINT NOT NULL,
    UNIQUE (order_id, position),
    CHECK (subtotal = unit_price * quantity)
);
CREATE INDEX order_items_product ON order_items (product_id);

CREATE TABLE order_history (
    order_id UUID NOT NULL REFERENCES orders (id),
    version BIGINT NOT NULL CHECK (version > 0),
    from_status TEXT,
    status TEXT NOT NULL,
    actor TEXT NOT NULL CHECK (actor IN ('BUYER', 'STORE', 'COURIER', 'ADMIN', 'SYSTEM')),
    actor_id UUID,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (order_id, version),
    CHECK ((version = 1) = (from_status IS NULL))
);
";

/// History tells what happened; nobody may change what it tells.
const SQLITE_GUARDS: &str = "
CREATE TRIGGER order_history_no_update BEFORE UPDATE ON order_history
BEGIN SELECT RAISE(ABORT, 'order history is append-only'); END;
CREATE TRIGGER order_history_no_delete BEFORE DELETE ON order_history
BEGIN SELECT RAISE(ABORT, 'order history is append-only'); END;
";

const POSTGRES_GUARDS: &str = "
CREATE FUNCTION order_history_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'order history is append-only'; END $$;
CREATE TRIGGER order_history_append_only BEFORE UPDATE OR DELETE ON order_history
FOR EACH ROW EXECUTE FUNCTION order_history_append_only();
";
