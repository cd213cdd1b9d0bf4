//! Whoever comes back to selling is in the tier of before: only an administrator changes it.

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
ALTER TABLE users ADD COLUMN former_category TEXT
    CHECK (former_category IN ('IMPORTATEUR', 'GROSSISTE', 'FOURNISSEUR'));
";
