//! Files that users bring.

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

// - `uses` counts the products and reels that show a file; what nothing uses has a time
//   since when, and goes a day after it.
// - What can be read by anyone was checked, byte by byte, before.
// - `upload_id` and `part_size` belong to an upload in parts, and are empty without one.
const TABLES: &str = "
CREATE TABLE media (
    id UUID PRIMARY KEY NOT NULL,
    owner_id UUID NOT NULL REFERENCES users (id),
    product_id UUID REFERENCES products (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('PRODUCT_IMAGE', 'REEL_VIDEO', 'REEL_THUMBNAIL', 'AVATAR')),
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'PROCESSING', 'READY', 'FAILED', 'ABORTED', 'DELETED')),
    key TEXT NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 1024),
    content_type TEXT NOT NULL,
    size BIGINT NOT NULL CHECK (size > 0),
    upload_id TEXT NOT NULL,
    part_size BIGINT CHECK (part_size > 0),
    thumbnail_key TEXT NOT NULL,
    width INTEGER CHECK (width > 0),
    height INTEGER CHECK (height > 0),
    duration_ms INTEGER CHECK (duration_ms > 0),
    failure TEXT NOT NULL,
    uses INTEGER NOT NULL CHECK (uses >= 0),
    unused_since BIGINT,
    checked_at BIGINT,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((uses = 0) = (unused_since IS NOT NULL)),
    CHECK (status NOT IN ('PROCESSING', 'READY') OR checked_at IS NOT NULL),
    CHECK (uses = 0 OR status IN ('PROCESSING', 'READY', 'FAILED')),
    CHECK ((status = 'FAILED') = (failure <> '')),
    CHECK ((purpose = 'PRODUCT_IMAGE') = (product_id IS NOT NULL))
);
CREATE INDEX media_owner ON media (owner_id, status);
CREATE INDEX media_unused ON media (unused_since)
    WHERE unused_since IS NOT NULL AND status IN ('PROCESSING', 'READY', 'FAILED');
CREATE INDEX media_pending ON media (expires_at) WHERE status = 'PENDING';
";
