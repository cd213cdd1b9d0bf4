//! Accounts and their address books.

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

// A closed account keeps its row for the records that name it, and nothing personal in
// it. Its phone and e-mail address are free again at once. An account has neither while
// only an identity provider knows who it is.
const TABLES: &str = "
CREATE TABLE users (
    id UUID PRIMARY KEY NOT NULL,
    phone TEXT,
    phone_verified BOOLEAN NOT NULL,
    email TEXT,
    email_verified BOOLEAN NOT NULL,
    name TEXT,
    first_name TEXT,
    last_name TEXT,
    role TEXT NOT NULL
        CHECK (role IN ('CUSTOMER', 'STORE_OWNER', 'DELIVERY_PARTNER', 'FREELANCER', 'ADMIN')),
    avatar_url TEXT,
    bio TEXT,
    wilaya TEXT,
    preferred_store_id UUID,
    is_active BOOLEAN NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CHECK (phone IS NOT NULL OR NOT phone_verified),
    CHECK (email IS NOT NULL OR NOT email_verified),
    CHECK (deleted_at IS NULL OR (
        phone IS NULL AND email IS NULL AND name IS NULL AND first_name IS NULL
        AND last_name IS NULL AND avatar_url IS NULL AND bio IS NULL AND wilaya IS NULL
        AND preferred_store_id IS NULL AND NOT is_active
    ))
);
CREATE UNIQUE INDEX users_phone ON users (phone) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE deleted_at IS NULL;

CREATE TABLE user_addresses (
    id UUID PRIMARY KEY NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id),
    title TEXT NOT NULL,
    street TEXT,
    line2 TEXT,
    city TEXT,
    commune TEXT,
    state TEXT,
    wilaya TEXT,
    postal_code TEXT,
    country TEXT,
    latitude DOUBLE PRECISION CHECK (latitude BETWEEN -90 AND 90),
    longitude DOUBLE PRECISION CHECK (longitude BETWEEN -180 AND 180),
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);
CREATE UNIQUE INDEX user_addresses_default ON user_addresses (user_id) WHERE is_default;
CREATE INDEX user_addresses_listed ON user_addresses (user_id, is_default, id);
";
