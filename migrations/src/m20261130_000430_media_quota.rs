//! Indexes of what a user has in files, and of what is left of a seller who has left.

use sea_orm_migration::prelude::*;

use crate::sql::both;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, INDEXES).await
    }
}

// Rows of files that are over stay, and there is no end to them: what is counted at every
// announcement is found beside them, with all that is read of it.
const INDEXES: &str = "
CREATE INDEX media_live ON media (owner_id, uses, status, expires_at, size)
    WHERE status IN ('PENDING', 'PROCESSING', 'READY');
CREATE INDEX media_tickets ON media (owner_id, expires_at, size)
    WHERE uses = 0 AND status IN ('FAILED', 'ABORTED', 'DELETED');
CREATE INDEX reels_left ON reels (seller_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX reel_reports_reel ON reel_reports (reel_id) WHERE comment_id IS NULL;
";
