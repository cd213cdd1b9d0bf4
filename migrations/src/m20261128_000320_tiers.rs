//! Whose products who may see: each product follows the tier of its seller.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, COLUMN).await?;
        both(manager, INDEXES).await?;
        either(manager, NEWEST_POSTGRES, NEWEST_SQLITE).await?;
        either(manager, POSTGRES, SQLITE).await
    }
}

// Empty for a seller outside the supply chain.
const COLUMN: &str = "
ALTER TABLE products ADD COLUMN tier TEXT NOT NULL DEFAULT ''
    CHECK (tier IN ('', 'IMPORTATEUR', 'GROSSISTE', 'FOURNISSEUR'));
UPDATE products SET tier =
    (SELECT seller_category FROM users WHERE users.id = products.seller_id)
WHERE seller_id IN (SELECT id FROM users WHERE seller_category IS NOT NULL);
";

// Of a seller whose tier changes, all products are found.
const INDEXES: &str = "
CREATE INDEX products_of_seller ON products (seller_id);
";

// The counts of page mode need not look at the rows for the tier. PostgreSQL walks an index
// of one key more readily than one of two.
const NEWEST_POSTGRES: &str = "
DROP INDEX products_newest;
CREATE INDEX products_newest ON products (id) INCLUDE (tier)
    WHERE status = 'ACTIVE' AND store_visible;
";

const NEWEST_SQLITE: &str = "
DROP INDEX products_newest;
CREATE INDEX products_newest ON products (id, tier) WHERE status = 'ACTIVE' AND store_visible;
";

// The tier is read under a lock that a change of it waits for, and that waits for one
// that is under way: no product comes into the table with a tier that has just ended.
const POSTGRES: &str = "
CREATE FUNCTION products_take_tier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT COALESCE(seller_category, '') INTO new.tier FROM users
    WHERE id = new.seller_id FOR SHARE;
    RETURN new;
END $$;
CREATE TRIGGER products_take_tier BEFORE INSERT ON products FOR EACH ROW
    EXECUTE FUNCTION products_take_tier();
CREATE FUNCTION products_follow_tier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE products SET tier = COALESCE(new.seller_category, '') WHERE seller_id = new.id;
    RETURN NULL;
END $$;
CREATE TRIGGER products_tier_changed AFTER UPDATE OF seller_category ON users FOR EACH ROW
    WHEN (new.seller_category IS DISTINCT FROM old.seller_category)
    EXECUTE FUNCTION products_follow_tier();
";

const SQLITE: &str = "
CREATE TRIGGER products_take_tier AFTER INSERT ON products BEGIN
    UPDATE products SET tier = COALESCE(
        (SELECT seller_category FROM users WHERE id = new.seller_id), '')
    WHERE id = new.id;
END;
CREATE TRIGGER products_tier_changed AFTER UPDATE OF seller_category ON users
WHEN new.seller_category IS NOT old.seller_category BEGIN
    UPDATE products SET tier = COALESCE(new.seller_category, '') WHERE seller_id = new.id;
END;
";
