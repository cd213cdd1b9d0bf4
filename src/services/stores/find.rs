//! Finding stores: by name, city and wilaya, by distance, and one's own.

use uuid::Uuid;

use super::Stores;
use super::model::Store;
use super::store::{self, Nearby, Search};
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::text::fold;
use crate::kernel::{Caller, Error, Result};

/// How far to look for nearby stores when the caller does not say, in kilometres.
pub(super) const DEFAULT_RADIUS_KM: f64 = 10.0;
/// Nearby stores on a page at the most.
pub(super) const NEARBY_MAX: i32 = 50;

impl Stores {
    /// The active stores that match, by name; guests may get them a little late.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn search(
        &self,
        caller: &Caller,
        search: &Search,
        page: &PageRequest,
    ) -> Result<Page<Store>> {
        let (db, after) = (&self.0.db, &page.cursor().map(read_name).transpose()?);
        let read = |conn| async move {
            store::search(&conn, db.dialect(), search, after.clone(), page).await
        };
        let (rows, total) = db.read_stale(caller, read).await?;
        Ok(page.finish(rows, total, |store| {
            [
                store.id.uuid().as_bytes().as_slice(),
                fold(&store.name).as_bytes(),
            ]
            .concat()
        }))
    }

    /// The active stores around a point, the nearest first; guests may get them a little
    /// late.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn nearby(
        &self,
        caller: &Caller,
        centre: GeoPoint,
        radius_km: f64,
        page: &PageRequest,
    ) -> Result<Page<Nearby>> {
        let (db, after) = (&self.0.db, page.cursor().map(read_distance).transpose()?);
        let read = |conn| async move {
            store::nearby(&conn, db.dialect(), centre, radius_km, after, page).await
        };
        let (rows, total) = db.read_stale(caller, read).await?;
        Ok(page.finish(rows, total, |near| {
            let chord = near.chord_squared.to_be_bytes();
            [chord.as_slice(), near.store.id.uuid().as_bytes()].concat()
        }))
    }

    /// The stores that a user owns or works for, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn mine(&self, user: UserId, page: &PageRequest) -> Result<Page<Store>> {
        let after = page.cursor().map(split_id).transpose()?;
        let after = after.map(|(_, id)| StoreId::from(id));
        let (rows, total) = store::mine(&self.0.db, user, after, page).await?;
        Ok(page.finish(rows, total, |store| store.id.uuid().as_bytes().to_vec()))
    }
}

const ID_LEN: usize = 16;

/// What stands before the id at the end of a cursor, and the id.
pub(super) fn split_id(cursor: &[u8]) -> Result<(&[u8], Uuid)> {
    let cut = cursor
        .len()
        .checked_sub(ID_LEN)
        .ok_or_else(|| foreign(cursor))?;
    let (before, id) = cursor.split_at(cut);
    Ok((before, Uuid::from_slice(id).map_err(Error::internal)?))
}

fn read_distance(cursor: &[u8]) -> Result<(f64, StoreId)> {
    let (chord, id) = split_id(cursor)?;
    let chord = chord.try_into().map_err(Error::internal)?;
    Ok((f64::from_be_bytes(chord), id.into()))
}

fn read_name(cursor: &[u8]) -> Result<(String, StoreId)> {
    let (id, name) = cursor
        .split_at_checked(ID_LEN)
        .ok_or_else(|| foreign(cursor))?;
    let id = Uuid::from_slice(id).map_err(Error::internal)?;
    let name = String::from_utf8(name.to_vec()).map_err(Error::internal)?;
    Ok((name, id.into()))
}

/// Tokens are authenticated, so a cursor of another shape is a fault of ours.
fn foreign(cursor: &[u8]) -> Error {
    Error::internal(format!("a cursor of {} bytes", cursor.len()))
}
