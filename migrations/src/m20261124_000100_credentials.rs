//! Passwords, the failures that lock them, and the links that mails carry.

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

// - A password is stored as a PHC string of Argon2id; bcrypt is what other systems bring
//   along, until the first sign-in.
// - `account` and `address_key` are keyed hashes: who reads the rows learns no address.
// - A failure is written before the password is tried, and is pending until the answer is
//   known: so tries that run together are counted one by one.
// - A link's token is stored in no form that opens anything: it follows from `seed` and the
//   address only with the server's secret. `address` is there until the mail's account is
//   looked up, which no call waits for.
const TABLES: &str = "
CREATE TABLE credentials (
    user_id UUID PRIMARY KEY NOT NULL REFERENCES users (id),
    password_hash TEXT NOT NULL CHECK (
        (password_hash LIKE '$argon2id$v=19$m=%' AND length(password_hash) BETWEEN 90 AND 200)
        OR (password_hash LIKE '$2_$%' AND length(password_hash) = 60)
    ),
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL CHECK (changed_at >= created_at)
);

CREATE TABLE sign_in_failures (
    id UUID PRIMARY KEY NOT NULL,
    account BYTEA NOT NULL CHECK (length(account) = 32),
    source TEXT NOT NULL,
    pending BOOLEAN NOT NULL,
    failed_at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_account ON sign_in_failures (account, failed_at);
CREATE INDEX sign_in_failures_source ON sign_in_failures (source, failed_at);
CREATE INDEX sign_in_failures_failed_at ON sign_in_failures (failed_at);

CREATE TABLE mail_links (
    id UUID PRIMARY KEY NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('RESET_PASSWORD', 'VERIFY_EMAIL')),
    user_id UUID REFERENCES users (id),
    address TEXT,
    address_key BYTEA NOT NULL CHECK (length(address_key) = 32),
    source TEXT NOT NULL,
    seed BYTEA NOT NULL CHECK (length(seed) = 32),
    token_hash BYTEA CHECK (length(token_hash) = 32),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN created_at AND created_at + 86400000000),
    used_at BIGINT,
    CHECK (user_id IS NULL OR address IS NULL),
    CHECK (user_id IS NOT NULL OR token_hash IS NULL),
    CHECK (token_hash IS NOT NULL OR used_at IS NULL)
);
CREATE UNIQUE INDEX mail_links_token ON mail_links (token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX mail_links_user ON mail_links (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX mail_links_address ON mail_links (address_key, created_at);
CREATE INDEX mail_links_source ON mail_links (source, created_at);
CREATE INDEX mail_links_expires_at ON mail_links (expires_at);
";
