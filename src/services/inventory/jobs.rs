//! What the inventory does by itself: ending reservations whose time is over, and
//! forgetting those that ended long ago.

use std::time::Duration;

use super::reserve::{self, SWEEP};
use super::store;
use crate::db::Db;
use crate::jobs::Registry;
use crate::kernel::Result;

const QUEUE: &str = "inventory";
const EXPIRE: &str = "inventory.expire_reservations";
const PURGE: &str = "inventory.purge_reservations";

/// How late the end of a reservation may be.
const EXPIRE_PERIOD: Duration = Duration::from_secs(5);
const PURGE_PERIOD: Duration = Duration::from_secs(60 * 60);
/// How long an ended reservation can still be looked up.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Adds the jobs of the inventory.
pub fn register(registry: Registry, db: &Db) -> Registry {
    let (expiring, purging) = (db.clone(), db.clone());
    registry
        .register(EXPIRE, move |_| {
            let db = expiring.clone();
            async move { expire(&db).await }
        })
        .register(PURGE, move |_| {
            let db = purging.clone();
            async move { purge(&db).await }
        })
        .every(EXPIRE, EXPIRE_PERIOD, QUEUE, EXPIRE)
        .every(PURGE, PURGE_PERIOD, QUEUE, PURGE)
}

async fn expire(db: &Db) -> Result<()> {
    let batch = || db.transact(|tx| async move { reserve::expire(&tx).await });
    while batch().await? == SWEEP {}
    Ok(())
}

async fn purge(db: &Db) -> Result<()> {
    db.transact(|tx| async move {
        store::reservations::purge(&tx, tx.now() - KEPT).await?;
        Ok(())
    })
    .await
}
