//! What bounds the sending of one-time passwords and the tries at sign-in, and proofs of
//! a new phone.

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

// - A challenge that somebody signed in has asked for names them: only they can meet it.
// - `sms_days` counts the messages of a day, which is named by its first instant in UTC.
// - `rate_windows` counts calls while the cache cannot; one row for each caller and class,
//   of the last period in which there was a call.
const TABLES: &str = "
ALTER TABLE otp_challenges ADD COLUMN user_id UUID
    CHECK (purpose <> 'CHANGE_PHONE' OR user_id IS NOT NULL);

CREATE TABLE sms_days (
    day BIGINT PRIMARY KEY NOT NULL,
    sent BIGINT NOT NULL CHECK (sent > 0)
);

CREATE TABLE rate_windows (
    class TEXT NOT NULL,
    key TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL CHECK (ends_at > starts_at),
    taken BIGINT NOT NULL CHECK (taken > 0),
    PRIMARY KEY (class, key)
);
CREATE INDEX rate_windows_ends_at ON rate_windows (ends_at);
";
