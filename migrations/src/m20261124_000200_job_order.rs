//! Jobs of one key run one after the other, and what operators ask of queues.

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

// - `order_number` counts the jobs of a key in the order of their commits; whoever adds one
//   holds the key until its commit.
// - `blocked` marks those that wait for an earlier one of their key. Of the others there is
//   one at the most that waits or runs: `jobs_order_head` sees to it, whatever the code does.
// - `jobs_ready` takes the place of `jobs_due`: a worker asks for one queue and one priority
//   at a time, so neither blocked jobs nor those whose time is far off stand in its way.
const TABLES: &str = "
ALTER TABLE jobs ADD COLUMN order_key TEXT;
ALTER TABLE jobs ADD COLUMN order_number BIGINT
    CHECK ((order_number IS NULL) = (order_key IS NULL));
ALTER TABLE jobs ADD COLUMN blocked BOOLEAN NOT NULL DEFAULT FALSE
    CHECK (NOT blocked OR (state = 'PENDING' AND order_key IS NOT NULL));
CREATE UNIQUE INDEX jobs_order ON jobs (order_key, order_number) WHERE order_key IS NOT NULL;
CREATE UNIQUE INDEX jobs_order_head ON jobs (order_key)
    WHERE order_key IS NOT NULL AND NOT blocked AND state IN ('PENDING', 'RUNNING');
CREATE INDEX jobs_order_waiting ON jobs (order_key, order_number) WHERE blocked;
CREATE INDEX jobs_ready ON jobs (queue, blocked, priority, run_at) WHERE state = 'PENDING';
CREATE INDEX jobs_dead ON jobs (kind, dedupe_key, queue) WHERE state = 'DEAD';
DROP INDEX jobs_due;
";
