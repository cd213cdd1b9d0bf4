//! The new picture of a reel, which stands for it once it is measured.

use sea_orm_migration::prelude::*;

use crate::sql::both;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, COLUMN).await
    }
}

const COLUMN: &str = "
ALTER TABLE reels ADD COLUMN next_thumbnail_media_id UUID REFERENCES media (id);
CREATE INDEX reels_next_thumbnail ON reels (next_thumbnail_media_id)
    WHERE next_thumbnail_media_id IS NOT NULL AND deleted_at IS NULL;
";
