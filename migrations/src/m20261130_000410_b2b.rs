//! Offers between businesses, responses to them, and bids. What makes a deal binding is
//! kept by the database itself: bids rise, one after the other, before the end of the
//! auction; an auction is won once; nothing is sold that is not there.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, OFFERS).await?;
        both(manager, RESPONSES).await?;
        both(manager, ORDERS).await?;
        either(manager, POSTGRES_GUARDS, SQLITE_GUARDS).await?;
        either(manager, FOLLOW_POSTGRES, FOLLOW_SQLITE).await
    }
}

const OFFERS: &str = "
CREATE TABLE b2b_offers (
    id UUID PRIMARY KEY NOT NULL,
    store_id UUID NOT NULL REFERENCES stores (id),
    store_name TEXT NOT NULL,
    seller_id UUID NOT NULL REFERENCES users (id),
    seller_category TEXT NOT NULL,
    seller_verified BOOLEAN NOT NULL,
    store_visible BOOLEAN NOT NULL,
    product_id UUID REFERENCES products (id),
    title TEXT NOT NULL CHECK (length(title) BETWEEN 3 AND 200),
    description TEXT NOT NULL CHECK (length(description) <= 2000),
    images TEXT NOT NULL,
    tags TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('NEGOTIABLE', 'AUCTION')),
    target TEXT NOT NULL,
    base_price BIGINT NOT NULL CHECK (base_price > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    min_quantity INTEGER NOT NULL CHECK (min_quantity > 0),
    available_quantity INTEGER NOT NULL CHECK (available_quantity >= 0),
    initial_quantity INTEGER NOT NULL,
    price_tiers TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('SCHEDULED', 'ACTIVE', 'SOLD', 'EXPIRED', 'CLOSED')),
    outcome TEXT NOT NULL CHECK (outcome IN ('', 'AGREED', 'WON', 'NO_DEAL', 'RESERVE_NOT_MET',
        'OUT_OF_STOCK', 'STORE_NOT_ACTIVE', 'CLOSED_BY_SELLER', 'CLOSED_BY_ADMINISTRATOR')),
    starts_at BIGINT NOT NULL,
    ends_at BIGINT,
    responses_count INTEGER NOT NULL CHECK (responses_count >= 0),
    bid_increment BIGINT NOT NULL CHECK (bid_increment > 0),
    reserve_price BIGINT CHECK (reserve_price > 0),
    anti_sniping BOOLEAN NOT NULL,
    extensions INTEGER NOT NULL CHECK (extensions BETWEEN 0 AND 10),
    first_ends_at BIGINT,
    bids_count INTEGER NOT NULL CHECK (bids_count >= 0),
    current_bid BIGINT,
    leader_id UUID,
    leader_number INTEGER,
    ending_told BOOLEAN NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    ended_at BIGINT,
    deleted_at BIGINT,
    CHECK (min_quantity <= initial_quantity AND available_quantity <= initial_quantity),
    CHECK ((seller_category = 'IMPORTATEUR' AND target IN ('GROSSISTE', 'FOURNISSEUR'))
        OR (seller_category = 'GROSSISTE' AND target = 'FOURNISSEUR')),
    CHECK (ends_at IS NULL OR ends_at > starts_at),
    CHECK (type <> 'AUCTION' OR (ends_at IS NOT NULL AND first_ends_at IS NOT NULL)),
    CHECK (type = 'AUCTION' OR (bids_count = 0 AND reserve_price IS NULL)),
    CHECK ((bids_count = 0) = (current_bid IS NULL)),
    CHECK ((bids_count = 0) = (leader_id IS NULL) AND (bids_count = 0) = (leader_number IS NULL)),
    CHECK ((status IN ('SOLD', 'EXPIRED', 'CLOSED')) = (ended_at IS NOT NULL)),
    CHECK ((status IN ('SOLD', 'EXPIRED', 'CLOSED')) = (outcome <> ''))
);
CREATE INDEX b2b_offers_shown ON b2b_offers (target, id)
    WHERE status = 'ACTIVE' AND deleted_at IS NULL;
CREATE INDEX b2b_offers_active ON b2b_offers (id)
    WHERE status = 'ACTIVE' AND deleted_at IS NULL;
CREATE INDEX b2b_offers_seller ON b2b_offers (seller_id, id) WHERE deleted_at IS NULL;
CREATE INDEX b2b_offers_seller_status ON b2b_offers (seller_id, status, id)
    WHERE deleted_at IS NULL;
CREATE INDEX b2b_offers_status ON b2b_offers (status, id) WHERE deleted_at IS NULL;
CREATE INDEX b2b_offers_start ON b2b_offers (starts_at)
    WHERE status = 'SCHEDULED' AND deleted_at IS NULL;
CREATE INDEX b2b_offers_end ON b2b_offers (ends_at)
    WHERE status = 'ACTIVE' AND deleted_at IS NULL;
CREATE INDEX b2b_offers_store ON b2b_offers (store_id);
CREATE INDEX b2b_offers_product ON b2b_offers (product_id) WHERE product_id IS NOT NULL;
";

const RESPONSES: &str = "
CREATE TABLE b2b_responses (
    id UUID PRIMARY KEY NOT NULL,
    offer_id UUID NOT NULL REFERENCES b2b_offers (id),
    buyer_id UUID NOT NULL REFERENCES users (id),
    seller_id UUID NOT NULL REFERENCES users (id),
    number INTEGER NOT NULL CHECK (number > 0),
    type TEXT NOT NULL CHECK (type IN ('BID', 'NEGOTIATION')),
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'ACCEPTED', 'REJECTED', 'OUTBID', 'WITHDRAWN')),
    refusal TEXT NOT NULL CHECK (refusal IN ('', 'DECLINED', 'SOLD_OUT', 'LOST', 'RESERVE_NOT_MET',
        'OFFER_EXPIRED', 'OFFER_CLOSED', 'OUT_OF_STOCK', 'STORE_NOT_ACTIVE')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    max_amount BIGINT,
    message TEXT NOT NULL CHECK (length(message) <= 1000),
    payment_method TEXT NOT NULL CHECK (payment_method IN ('COD', 'CCP', 'CARD', 'BANK_TRANSFER')),
    address_id UUID,
    round INTEGER NOT NULL CHECK (round >= 0),
    proposed_by TEXT NOT NULL CHECK (proposed_by IN ('', 'BUYER', 'SELLER')),
    order_id UUID UNIQUE REFERENCES orders (id),
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (offer_id, number),
    CHECK (buyer_id <> seller_id),
    CHECK (max_amount IS NULL OR max_amount >= amount),
    CHECK ((type = 'BID') = (round = 0) AND (type = 'BID') = (proposed_by = '')),
    CHECK (type = 'BID' OR status <> 'OUTBID'),
    CHECK ((status = 'ACCEPTED') = (order_id IS NOT NULL)),
    CHECK (status <> 'REJECTED' OR refusal <> '')
);
CREATE UNIQUE INDEX b2b_responses_bidder ON b2b_responses (offer_id, buyer_id)
    WHERE type = 'BID';
CREATE UNIQUE INDEX b2b_responses_open ON b2b_responses (offer_id, buyer_id)
    WHERE type = 'NEGOTIATION' AND status = 'PENDING';
CREATE UNIQUE INDEX b2b_responses_leader ON b2b_responses (offer_id)
    WHERE type = 'BID' AND status = 'PENDING';
CREATE UNIQUE INDEX b2b_responses_won ON b2b_responses (offer_id)
    WHERE type = 'BID' AND status = 'ACCEPTED';
CREATE INDEX b2b_responses_offer ON b2b_responses (offer_id, id);
CREATE INDEX b2b_responses_of_buyer ON b2b_responses (offer_id, buyer_id, id);
CREATE INDEX b2b_responses_offer_status ON b2b_responses (offer_id, status, id);
CREATE INDEX b2b_responses_buyer ON b2b_responses (buyer_id, id);
CREATE INDEX b2b_responses_buyer_status ON b2b_responses (buyer_id, status, id);
CREATE INDEX b2b_responses_seller ON b2b_responses (seller_id, status);

CREATE TABLE b2b_rounds (
    response_id UUID NOT NULL REFERENCES b2b_responses (id),
    number INTEGER NOT NULL CHECK (number > 0),
    party TEXT NOT NULL CHECK (party IN ('BUYER', 'SELLER')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    message TEXT NOT NULL CHECK (length(message) <= 1000),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (response_id, number)
);

CREATE TABLE b2b_bids (
    offer_id UUID NOT NULL REFERENCES b2b_offers (id),
    number INTEGER NOT NULL CHECK (number > 0),
    response_id UUID NOT NULL REFERENCES b2b_responses (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    automatic BOOLEAN NOT NULL,
    ends_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (offer_id, number),
    CHECK (created_at < ends_at)
);
CREATE INDEX b2b_bids_response ON b2b_bids (response_id);
";

const ORDERS: &str = "
ALTER TABLE orders ADD COLUMN offer_id UUID REFERENCES b2b_offers (id);
CREATE INDEX orders_offer ON orders (offer_id) WHERE offer_id IS NOT NULL;
";

// A bid comes after the one before it and above it; what was bid and proposed stays.
const SQLITE_GUARDS: &str = "
CREATE TRIGGER b2b_bids_rise BEFORE INSERT ON b2b_bids
WHEN new.number <> 1 + COALESCE((SELECT max(number) FROM b2b_bids WHERE offer_id = new.offer_id), 0)
    OR new.amount < (SELECT bids.amount + offers.bid_increment FROM b2b_bids bids
        JOIN b2b_offers offers ON offers.id = bids.offer_id
        WHERE bids.offer_id = new.offer_id AND bids.number = new.number - 1)
    OR new.amount < (SELECT base_price FROM b2b_offers WHERE id = new.offer_id)
BEGIN SELECT RAISE(ABORT, 'bids rise one after the other'); END;
CREATE TRIGGER b2b_bids_no_update BEFORE UPDATE ON b2b_bids
BEGIN SELECT RAISE(ABORT, 'bids are append-only'); END;
CREATE TRIGGER b2b_bids_no_delete BEFORE DELETE ON b2b_bids
BEGIN SELECT RAISE(ABORT, 'bids are append-only'); END;
CREATE TRIGGER b2b_rounds_no_delete BEFORE DELETE ON b2b_rounds
BEGIN SELECT RAISE(ABORT, 'rounds stay'); END;
";

const POSTGRES_GUARDS: &str = "
CREATE FUNCTION b2b_bids_rise() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    offer RECORD;
    before RECORD;
BEGIN
    SELECT base_price, bid_increment INTO offer FROM b2b_offers WHERE id = new.offer_id;
    SELECT number, amount INTO before FROM b2b_bids
    WHERE offer_id = new.offer_id ORDER BY number DESC LIMIT 1;
    IF new.number <> COALESCE(before.number, 0) + 1
        OR new.amount < COALESCE(before.amount + offer.bid_increment, offer.base_price)
    THEN
        RAISE EXCEPTION 'bids rise one after the other';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER b2b_bids_rise BEFORE INSERT ON b2b_bids
FOR EACH ROW EXECUTE FUNCTION b2b_bids_rise();
CREATE FUNCTION b2b_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER b2b_bids_append_only BEFORE UPDATE OR DELETE ON b2b_bids
FOR EACH ROW EXECUTE FUNCTION b2b_append_only();
CREATE TRIGGER b2b_rounds_no_delete BEFORE DELETE ON b2b_rounds
FOR EACH ROW EXECUTE FUNCTION b2b_append_only();
";

// A suspended store shows no offers, and what is said of a seller is what holds now.
const FOLLOW_POSTGRES: &str = "
CREATE FUNCTION b2b_offers_follow_store() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE b2b_offers SET store_visible = new.status IN ('ACTIVE', 'PAUSED')
    WHERE store_id = new.id;
    RETURN NULL;
END $$;
CREATE TRIGGER b2b_offers_store_changed AFTER UPDATE OF status ON stores FOR EACH ROW
    WHEN ((new.status IN ('ACTIVE', 'PAUSED')) <> (old.status IN ('ACTIVE', 'PAUSED')))
    EXECUTE FUNCTION b2b_offers_follow_store();
CREATE FUNCTION b2b_offers_follow_seller() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE b2b_offers SET seller_verified = new.is_verified
    WHERE seller_id = new.id AND status IN ('SCHEDULED', 'ACTIVE');
    RETURN NULL;
END $$;
CREATE TRIGGER b2b_offers_seller_verified AFTER UPDATE OF is_verified ON users FOR EACH ROW
    WHEN (new.is_verified <> old.is_verified) EXECUTE FUNCTION b2b_offers_follow_seller();
";

const FOLLOW_SQLITE: &str = "
CREATE TRIGGER b2b_offers_store_changed AFTER UPDATE OF status ON stores
WHEN (new.status IN ('ACTIVE', 'PAUSED')) <> (old.status IN ('ACTIVE', 'PAUSED')) BEGIN
    UPDATE b2b_offers SET store_visible = new.status IN ('ACTIVE', 'PAUSED')
    WHERE store_id = new.id;
END;
CREATE TRIGGER b2b_offers_seller_verified AFTER UPDATE OF is_verified ON users
WHEN new.is_verified <> old.is_verified BEGIN
    UPDATE b2b_offers SET seller_verified = new.is_verified
    WHERE seller_id = new.id AND status IN ('SCHEDULED', 'ACTIVE');
END;
";
