//! Stock, its movements, and reservations.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, TABLES).await?;
        either(manager, TRIGGERS_POSTGRES, TRIGGERS_SQLITE).await
    }
}

// The `last_*` columns say why `on_hand` changed. The statement that changes it sets
// them, and a trigger writes the movement from them: no code path can change stock
// without one, and one that forgets to name a new movement is refused by its key.
//
// `product_name`, `product_name_key`, `sku` and `gone` follow the product by trigger, and
// the product's `in_stock` and `price_override` follow the stock.
const TABLES: &str = "
CREATE TABLE stock (
    id UUID PRIMARY KEY NOT NULL,
    store_id UUID NOT NULL,
    product_id UUID NOT NULL UNIQUE,
    product_name TEXT NOT NULL,
    product_name_key TEXT NOT NULL,
    sku TEXT NOT NULL,
    gone BOOLEAN NOT NULL,
    on_hand INTEGER NOT NULL CHECK (on_hand <= 1000000000),
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    reorder_level INTEGER NOT NULL CHECK (reorder_level >= 0),
    max_level INTEGER CHECK (max_level > 0),
    price_override BIGINT CHECK (price_override >= 0),
    enabled BOOLEAN NOT NULL,
    in_stock BOOLEAN NOT NULL GENERATED ALWAYS AS (enabled AND on_hand > reserved) STORED,
    last_restocked_at BIGINT,
    last_movement_id UUID NOT NULL,
    last_reason TEXT NOT NULL,
    last_order_id UUID,
    last_actor UUID,
    last_note TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (store_id, product_id),
    FOREIGN KEY (store_id, product_id) REFERENCES products (store_id, id),
    CHECK (reserved <= on_hand)
);
CREATE INDEX stock_by_name ON stock (store_id, product_name_key, id) WHERE NOT gone;
CREATE INDEX stock_changed ON stock (store_id, updated_at, id) WHERE NOT gone;
CREATE INDEX stock_low ON stock (store_id, (on_hand - reserved), id)
    WHERE reorder_level > 0 AND on_hand - reserved <= reorder_level AND NOT gone;

CREATE TABLE stock_movements (
    id UUID PRIMARY KEY NOT NULL,
    stock_id UUID NOT NULL REFERENCES stock (id),
    delta INTEGER NOT NULL CHECK (delta <> 0),
    on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
    reason TEXT NOT NULL CHECK (reason IN ('INITIAL', 'RESTOCK', 'SALE', 'CANCELLATION',
        'RETURN', 'DAMAGE', 'LOSS', 'CORRECTION', 'SET')),
    order_id UUID,
    actor UUID,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX stock_movements_listed ON stock_movements (stock_id, id);
CREATE INDEX stock_movements_order ON stock_movements (order_id)
    WHERE order_id IS NOT NULL;

CREATE TABLE reservations (
    id UUID PRIMARY KEY NOT NULL,
    stock_id UUID NOT NULL REFERENCES stock (id),
    store_id UUID NOT NULL,
    product_id UUID NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    user_id UUID REFERENCES users (id),
    order_id UUID,
    status TEXT NOT NULL
        CHECK (status IN ('RESERVED', 'USED', 'RELEASED', 'EXPIRED', 'CANCELLED')),
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CHECK ((status = 'RESERVED') = (ended_at IS NULL))
);
CREATE INDEX reservations_due ON reservations (expires_at, id) WHERE status = 'RESERVED';
CREATE INDEX reservations_held ON reservations (user_id) WHERE status = 'RESERVED';
CREATE INDEX reservations_ended ON reservations (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX reservations_order ON reservations (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX reservations_stock ON reservations (stock_id);
CREATE INDEX reservations_listed ON reservations (store_id, id);
";

const TRIGGERS_POSTGRES: &str = "
ALTER TABLE stock ALTER COLUMN product_name_key TYPE TEXT COLLATE \"C\";

CREATE FUNCTION stock_write_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stock_movements
        (id, stock_id, delta, on_hand, reason, order_id, actor, note, created_at)
    VALUES (new.last_movement_id, new.id,
        CASE TG_OP WHEN 'INSERT' THEN new.on_hand ELSE new.on_hand - old.on_hand END,
        new.on_hand, new.last_reason, new.last_order_id, new.last_actor, new.last_note,
        new.updated_at);
    RETURN NULL;
END $$;
CREATE TRIGGER stock_opened AFTER INSERT ON stock FOR EACH ROW
    WHEN (new.on_hand <> 0) EXECUTE FUNCTION stock_write_movement();
CREATE TRIGGER stock_moved AFTER UPDATE OF on_hand ON stock FOR EACH ROW
    WHEN (new.on_hand <> old.on_hand) EXECUTE FUNCTION stock_write_movement();

CREATE FUNCTION stock_offer_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE products SET in_stock = new.in_stock, price_override = new.price_override
    WHERE id = new.product_id;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_offered AFTER INSERT ON stock FOR EACH ROW
    EXECUTE FUNCTION stock_offer_product();
CREATE TRIGGER stock_offer_changed AFTER UPDATE ON stock FOR EACH ROW
    WHEN (new.in_stock <> old.in_stock
        OR new.price_override IS DISTINCT FROM old.price_override)
    EXECUTE FUNCTION stock_offer_product();

CREATE FUNCTION stock_follow_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock SET product_name = new.name, product_name_key = new.name_key, sku = new.sku,
        gone = new.status = 'DELETED'
    WHERE product_id = new.id;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_product_changed AFTER UPDATE OF name, sku, status ON products FOR EACH ROW
    WHEN (new.name <> old.name OR new.sku <> old.sku
        OR (new.status = 'DELETED') <> (old.status = 'DELETED'))
    EXECUTE FUNCTION stock_follow_product();

CREATE FUNCTION stock_keep_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stock movements are never changed or deleted';
END $$;
CREATE TRIGGER stock_movements_kept BEFORE UPDATE OR DELETE ON stock_movements FOR EACH ROW
    EXECUTE FUNCTION stock_keep_movement();

CREATE FUNCTION reservations_keep_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a reservation ends once, and only an ended one is removed';
END $$;
CREATE TRIGGER reservations_end_once BEFORE UPDATE ON reservations FOR EACH ROW
    WHEN (old.status <> 'RESERVED') EXECUTE FUNCTION reservations_keep_end();
CREATE TRIGGER reservations_end_first BEFORE DELETE ON reservations FOR EACH ROW
    WHEN (old.status = 'RESERVED') EXECUTE FUNCTION reservations_keep_end();
";

const TRIGGERS_SQLITE: &str = "
CREATE TRIGGER stock_opened AFTER INSERT ON stock WHEN new.on_hand <> 0 BEGIN
    INSERT INTO stock_movements
        (id, stock_id, delta, on_hand, reason, order_id, actor, note, created_at)
    VALUES (new.last_movement_id, new.id, new.on_hand, new.on_hand, new.last_reason,
        new.last_order_id, new.last_actor, new.last_note, new.updated_at);
END;
CREATE TRIGGER stock_moved AFTER UPDATE OF on_hand ON stock
WHEN new.on_hand <> old.on_hand BEGIN
    INSERT INTO stock_movements
        (id, stock_id, delta, on_hand, reason, order_id, actor, note, created_at)
    VALUES (new.last_movement_id, new.id, new.on_hand - old.on_hand, new.on_hand,
        new.last_reason, new.last_order_id, new.last_actor, new.last_note, new.updated_at);
END;

CREATE TRIGGER stock_offered AFTER INSERT ON stock BEGIN
    UPDATE products SET in_stock = new.in_stock, price_override = new.price_override
    WHERE id = new.product_id;
END;
CREATE TRIGGER stock_offer_changed AFTER UPDATE ON stock
WHEN new.in_stock <> old.in_stock OR new.price_override IS NOT old.price_override BEGIN
    UPDATE products SET in_stock = new.in_stock, price_override = new.price_override
    WHERE id = new.product_id;
END;

CREATE TRIGGER stock_product_changed AFTER UPDATE OF name, sku, status ON products
WHEN new.name <> old.name OR new.sku <> old.sku
    OR (new.status = 'DELETED') <> (old.status = 'DELETED') BEGIN
    UPDATE stock SET product_name = new.name, product_name_key = new.name_key, sku = new.sku,
        gone = new.status = 'DELETED'
    WHERE product_id = new.id;
END;

CREATE TRIGGER stock_movements_unchanged BEFORE UPDATE ON stock_movements BEGIN
    SELECT RAISE(ABORT, 'stock movements are never changed or deleted');
END;
CREATE TRIGGER stock_movements_kept BEFORE DELETE ON stock_movements BEGIN
    SELECT RAISE(ABORT, 'stock movements are never changed or deleted');
END;

CREATE TRIGGER reservations_end_once BEFORE UPDATE ON reservations
WHEN old.status <> 'RESERVED' BEGIN
    SELECT RAISE(ABORT, 'a reservation ends once, and only an ended one is removed');
END;
CREATE TRIGGER reservations_end_first BEFORE DELETE ON reservations
WHEN old.status = 'RESERVED' BEGIN
    SELECT RAISE(ABORT, 'a reservation ends once, and only an ended one is removed');
END;
";
