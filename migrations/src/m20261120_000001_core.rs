//! What every service stands on: recorded answers, the event log, durable jobs.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, TABLES).await?;
        either(manager, EVENT_POSITIONS, "").await
    }
}

/// On PostgreSQL ids are handed out before commit, so they are not a commit order: an
/// event's position is (transaction id, id). SQLite has one writer, where the id alone
/// orders.
///
/// A transaction gets its id at its first write, and may then wait for a row that a
/// younger one is changing. So that the versions of a record still follow one another,
/// an event never stands before its predecessor. Its own transaction ends no later than
/// the position that it gets, so a reader that sees the position sees the event.
const EVENT_POSITIONS: &str = "
ALTER TABLE events ALTER COLUMN txid SET DEFAULT (pg_current_xact_id()::text::bigint);

CREATE FUNCTION events_follow_predecessor() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    predecessor BIGINT;
BEGIN
    SELECT txid INTO predecessor FROM events
        WHERE topic = NEW.topic AND aggregate = NEW.aggregate AND version < NEW.version
        ORDER BY version DESC LIMIT 1;
    NEW.txid := greatest(NEW.txid, predecessor);
    RETURN NEW;
END $$;

CREATE TRIGGER events_follow_predecessor BEFORE INSERT ON events
    FOR EACH ROW EXECUTE FUNCTION events_follow_predecessor();
";

const TABLES: &str = "
CREATE TABLE idempotency_keys (
    scope TEXT NOT NULL,
    method TEXT NOT NULL,
    key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash BYTEA NOT NULL,
    answer BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (scope, method, key)
);
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);

CREATE TABLE events (
    id BIGSERIAL PRIMARY KEY,
    txid BIGINT NOT NULL DEFAULT 0,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    aggregate UUID NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    payload BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX events_position ON events (txid, id);
CREATE INDEX events_topic_position ON events (topic, txid, id);
CREATE UNIQUE INDEX events_version ON events (topic, aggregate, version);
CREATE INDEX events_created_at ON events (created_at);

CREATE TABLE event_horizon (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    txid BIGINT NOT NULL,
    id BIGINT NOT NULL
);
INSERT INTO event_horizon (one, txid, id) VALUES (1, 0, 0);

CREATE TABLE jobs (
    id UUID PRIMARY KEY NOT NULL,
    queue TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    dedupe_key TEXT,
    priority INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('PENDING', 'RUNNING', 'DONE', 'DEAD')),
    run_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
    lease_owner TEXT,
    lease_until BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    CHECK ((state = 'RUNNING') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('DONE', 'DEAD')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX jobs_dedupe ON jobs (kind, dedupe_key)
    WHERE dedupe_key IS NOT NULL AND state IN ('PENDING', 'RUNNING');
CREATE INDEX jobs_due ON jobs (queue, priority, run_at) WHERE state = 'PENDING';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'RUNNING';
CREATE INDEX jobs_listed ON jobs (created_at, id);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE job_schedules (
    name TEXT PRIMARY KEY NOT NULL,
    next_run_at BIGINT NOT NULL,
    last_run_at BIGINT
);
";
