//! Tiers of sellers, lists of accounts, and the audit log.

use sea_orm_migration::prelude::*;

use crate::sql::{both, either};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, TABLES).await?;
        either(manager, TRIGGERS_POSTGRES, TRIGGERS_SQLITE).await
    }
}

// - Only a seller has a tier, and only who has a tier is verified.
// - Accounts are listed by id, which follows their age. Nearly all of them are active,
//   so only those that are not have an index of their own.
// - An entry of the audit log names its actor without a reference: the row that it would
//   hold until commit is one that another administrator may be changing.
// - `audit_horizon` is how far back the log is kept. It only moves on, and only what is
//   older may be deleted.
const TABLES: &str = "
ALTER TABLE users ADD COLUMN seller_category TEXT CHECK (seller_category IS NULL
    OR (seller_category IN ('IMPORTATEUR', 'GROSSISTE', 'FOURNISSEUR')
        AND role = 'STORE_OWNER'));
ALTER TABLE users ADD COLUMN is_verified BOOLEAN NOT NULL DEFAULT FALSE
    CHECK (seller_category IS NOT NULL OR NOT is_verified);
CREATE INDEX users_by_role ON users (role, id) WHERE deleted_at IS NULL;
CREATE INDEX users_by_category ON users (seller_category, id)
    WHERE deleted_at IS NULL AND seller_category IS NOT NULL;
CREATE INDEX users_inactive ON users (id) WHERE deleted_at IS NULL AND NOT is_active;
CREATE INDEX users_inactive_by_role ON users (role, id)
    WHERE deleted_at IS NULL AND NOT is_active;

CREATE TABLE audit_log (
    id UUID PRIMARY KEY NOT NULL,
    actor_id UUID NOT NULL,
    method TEXT NOT NULL,
    request TEXT NOT NULL,
    request_id TEXT NOT NULL,
    ip_address TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, id);
CREATE INDEX audit_log_by_method ON audit_log (method, id);
CREATE INDEX audit_log_by_both ON audit_log (actor_id, method, id);
CREATE INDEX audit_log_created_at ON audit_log (created_at);

CREATE TABLE audit_horizon (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    kept_from BIGINT NOT NULL
);
INSERT INTO audit_horizon (one, kept_from) VALUES (1, 0);
";

const TRIGGERS_POSTGRES: &str = "
CREATE FUNCTION audit_log_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND old.created_at < (SELECT kept_from FROM audit_horizon) THEN
        RETURN old;
    END IF;
    RAISE EXCEPTION 'entries of the audit log are kept as they are, for as long as it says';
END $$;
CREATE TRIGGER audit_log_kept BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW
    EXECUTE FUNCTION audit_log_keep();

CREATE FUNCTION audit_horizon_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND new.kept_from >= old.kept_from THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'the horizon of the audit log only moves on';
END $$;
CREATE TRIGGER audit_horizon_moves_on BEFORE UPDATE OR DELETE ON audit_horizon FOR EACH ROW
    EXECUTE FUNCTION audit_horizon_keep();
";

const TRIGGERS_SQLITE: &str = "
CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'entries of the audit log are kept as they are, for as long as it says');
END;
CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
WHEN NOT EXISTS (SELECT 1 FROM audit_horizon WHERE old.created_at < kept_from) BEGIN
    SELECT RAISE(ABORT, 'entries of the audit log are kept as they are, for as long as it says');
END;

CREATE TRIGGER audit_horizon_moves_on BEFORE UPDATE ON audit_horizon
WHEN new.kept_from < old.kept_from BEGIN
    SELECT RAISE(ABORT, 'the horizon of the audit log only moves on');
END;
CREATE TRIGGER audit_horizon_stays BEFORE DELETE ON audit_horizon BEGIN
    SELECT RAISE(ABORT, 'the horizon of the audit log only moves on');
END;
";
