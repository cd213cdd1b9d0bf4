//! One-time passwords, sessions and their refresh tokens.

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

// - A one-time password is stored in no form: `seed` is random, and the password follows
//   from it only with the server's secret.
// - `exclusive` is set when a user may have one session: then the index lets no second
//   one live.
// - Refresh tokens form a list per session: a consumed one names its successor, no two
//   name the same, and at most one can still be used. The reference is checked at commit
//   because the two rows point at each other's states.
const TABLES: &str = "
CREATE TABLE otp_challenges (
    phone TEXT NOT NULL,
    purpose TEXT NOT NULL,
    id UUID NOT NULL UNIQUE,
    seed BYTEA NOT NULL CHECK (length(seed) = 32),
    attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 5),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL CHECK (expires_at BETWEEN created_at AND created_at + 300000000),
    consumed_at BIGINT,
    PRIMARY KEY (phone, purpose)
);
CREATE INDEX otp_challenges_expires_at ON otp_challenges (expires_at);

CREATE TABLE otp_sources (
    ip TEXT PRIMARY KEY NOT NULL,
    last_sent_at BIGINT NOT NULL
);
CREATE INDEX otp_sources_last_sent_at ON otp_sources (last_sent_at);

CREATE TABLE otp_sends (
    id UUID PRIMARY KEY NOT NULL,
    phone TEXT NOT NULL,
    ip TEXT,
    sent_at BIGINT NOT NULL
);
CREATE INDEX otp_sends_phone ON otp_sends (phone, sent_at);
CREATE INDEX otp_sends_ip ON otp_sends (ip, sent_at);
CREATE INDEX otp_sends_sent_at ON otp_sends (sent_at);

CREATE TABLE sessions (
    id UUID PRIMARY KEY NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id),
    exclusive BOOLEAN NOT NULL,
    device TEXT,
    ip_address TEXT,
    user_agent TEXT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL CHECK (expires_at > created_at),
    ended_at BIGINT,
    end_reason TEXT CHECK (end_reason IN
        ('LOGOUT', 'REVOKED', 'SUPERSEDED', 'REUSED', 'EXPIRED', 'ACCOUNT_CLOSED',
         'ROLE_CHANGED', 'DEACTIVATED', 'PASSWORD_CHANGED')),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX sessions_one_active ON sessions (user_id)
    WHERE exclusive AND ended_at IS NULL;
CREATE INDEX sessions_live ON sessions (user_id, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    id UUID PRIMARY KEY NOT NULL,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL CHECK (length(token_hash) = 32),
    created_at BIGINT NOT NULL,
    consumed_at BIGINT,
    successor_id UUID REFERENCES refresh_tokens (id) DEFERRABLE INITIALLY DEFERRED,
    successor_salt BYTEA CHECK (length(successor_salt) = 32),
    revoked_at BIGINT,
    CHECK ((consumed_at IS NULL) = (successor_id IS NULL)),
    CHECK ((consumed_at IS NULL) = (successor_salt IS NULL)),
    CHECK (consumed_at IS NULL OR revoked_at IS NULL)
);
CREATE UNIQUE INDEX refresh_tokens_hash ON refresh_tokens (token_hash);
CREATE UNIQUE INDEX refresh_tokens_successor ON refresh_tokens (successor_id)
    WHERE successor_id IS NOT NULL;
CREATE UNIQUE INDEX refresh_tokens_one_live ON refresh_tokens (session_id)
    WHERE consumed_at IS NULL AND revoked_at IS NULL;
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
";
