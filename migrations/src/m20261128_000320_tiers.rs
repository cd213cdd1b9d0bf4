//! Whose products who may see: each product follows the tier of its seller.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, COLUMN).await?;
        either(manager, POSTGRES, SQLITE).await
    }
}

// Empty for a seller outside the supply chain.
const COLUMN: &str = "
ALTER TABLE products ADD COLUMN tier TEXT NOT NULL DEFAULT ''
    CHECK (tier IN ('', 'IMPORTATEUR', 'GROSSISTE', 'FOURNISSEUR'));
UPDATE products SET tier = COALESCE(
    (SELECT seller_category FROM users WHERE users.id = products.seller_id), '');
";

const POSTGRES: &str = "
CREATE FUNCTION products_take_tier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.tier := COALESCE((SELECT seller_category FROM users WHERE id = new.seller_id), '');
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
