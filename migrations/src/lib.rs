//! The schema of souk: timestamped, forward-only steps, each valid on SQLite and on
//! PostgreSQL. A step expands first; what it replaces goes in a later release, so that
//! the previous binary still runs on the new schema.

mod m20261120_000001_core;
mod m20261120_000010_users;
mod m20261120_000020_auth;
mod m20261120_000030_stores;
mod m20261120_000040_catalog;
mod m20261120_000050_inventory;
mod m20261120_000055_shipping;
mod m20261120_000060_cart;
mod m20261120_000070_orders;
mod m20261124_000100_credentials;
mod m20261124_000110_identities;
mod m20261124_000120_administration;
mod m20261124_000130_limits;
mod m20261124_000200_job_order;
mod m20261128_000300_media;
mod m20261128_000310_reels;
mod m20261128_000320_tiers;
mod m20261130_000400_reel_pictures;
mod m20261130_000410_b2b;
mod m20261130_000420_former_tiers;
mod m20261130_000430_media_quota;
mod sql;

use sea_orm_migration::prelude::*;

/// Every step, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261120_000001_core::Migration),
            Box::new(m20261120_000010_users::Migration),
            Box::new(m20261120_000020_auth::Migration),
            Box::new(m20261120_000030_stores::Migration),
            Box::new(m20261120_000040_catalog::Migration),
            Box::new(m20261120_000050_inventory::Migration),
            Box::new(m20261120_000055_shipping::Migration),
            Box::new(m20261120_000060_cart::Migration),
            Box::new(m20261120_000070_orders::Migration),
            Box::new(m20261124_000100_credentials::Migration),
            Box::new(m20261124_000120_administration::Migration),
            Box::new(m20261124_000130_limits::Migration),
            Box::new(m20261124_000110_identities::Migration),
            Box::new(m20261124_000200_job_order::Migration),
            Box::new(m20261128_000300_media::Migration),
            Box::new(m20261128_000310_reels::Migration),
            Box::new(m20261128_000320_tiers::Migration),
            Box::new(m20261130_000400_reel_pictures::Migration),
            Box::new(m20261130_000410_b2b::Migration),
            Box::new(m20261130_000420_former_tiers::Migration),
            Box::new(m20261130_000430_media_quota::Migration),
        ]
    }
}
