//! Who an identity provider says that a user is, the sessions that it keeps, and the
//! webhook messages that were seen.

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

// - An identity without a user is a memory: of a person whom the provider has deleted
//   (`deleted_at`), or who closed the account here. Late news must bring back neither.
// - `told_at` is the provider's own time of what it last told, so that older news that
//   arrive later change nothing.
// - A session of a provider has no refresh tokens and never ends another one.
// - A webhook message is kept with its effect, in one transaction: a repeat finds it.
const TABLES: &str = "
CREATE TABLE external_identities (
    provider TEXT NOT NULL CHECK (provider IN ('clerk')),
    subject TEXT NOT NULL,
    user_id UUID REFERENCES users (id),
    told_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (provider, subject)
);
CREATE INDEX external_identities_user ON external_identities (user_id)
    WHERE user_id IS NOT NULL;

ALTER TABLE sessions ADD COLUMN provider TEXT;
ALTER TABLE sessions ADD COLUMN external_id TEXT
    CHECK ((provider IS NULL) = (external_id IS NULL));
CREATE UNIQUE INDEX sessions_external ON sessions (provider, external_id)
    WHERE provider IS NOT NULL;

CREATE TABLE webhook_events (
    provider TEXT NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX webhook_events_received_at ON webhook_events (received_at);
";
