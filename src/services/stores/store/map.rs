//! Rows and what they mean.

use crate::kernel::geo::GeoPoint;
use crate::kernel::text::fold;
use crate::kernel::wilaya::Wilaya;
use crate::kernel::{Error, Result, Time};
use crate::services::stores::address::StoreAddress;
use crate::services::stores::cells::{Cells, Unit};
use crate::services::stores::entity::{member, row};
use crate::services::stores::hours::Hours;
use crate::services::stores::model::{Life, Store};
use crate::services::stores::policy::{Member, StaffRole};
use crate::services::stores::state::Status;

/// The row of a store, with everything that follows from its particulars.
pub(super) fn row(store: &Store) -> row::Model {
    let Store {
        id,
        owner,
        address_id,
        name,
        description,
        phone,
        email,
        address,
        location,
        hours,
        delivery_radius_km,
        min_order_amount,
        currency,
        image_url,
        created_at,
        life,
    } = store.clone();
    let (cells, unit) = (Cells::of(location), Unit::of(location));
    row::Model {
        id: id.uuid(),
        owner_id: owner.uuid(),
        address_id: address_id.uuid(),
        status: life.status.as_str().to_owned(),
        name_key: fold(&name),
        search_text: fold(&format!("{name} {description}")),
        name,
        description,
        phone,
        email,
        city_key: fold(address.city.as_deref().unwrap_or_default()),
        street: address.street,
        line2: address.line2,
        city: address.city,
        commune: address.commune,
        state: address.state,
        wilaya: address.wilaya.map(|wilaya| wilaya.code.to_string()),
        postal_code: address.postal_code,
        country: address.country,
        latitude: location.latitude,
        longitude: location.longitude,
        cell_4: cells.cell_4,
        cell_6: cells.cell_6,
        cell_8: cells.cell_8,
        unit_x: unit.x,
        unit_y: unit.y,
        unit_z: unit.z,
        opening_hours: hours.as_ref().map(Hours::to_json),
        delivery_radius_km,
        min_order_amount,
        currency: currency.to_string(),
        image_url,
        suspended_reason: life.suspended_reason,
        version: life.version,
        created_at: created_at.micros(),
        updated_at: life.updated_at.micros(),
        deleted_at: life.deleted_at.map(Time::micros),
    }
}

/// The store of a row.
///
/// # Errors
/// INTERNAL when the row holds what no store can be.
pub(super) fn store(row: row::Model) -> Result<Store> {
    let status = Status::from_word(&row.status).ok_or_else(|| unreadable(&row.status))?;
    Ok(Store {
        id: row.id.into(),
        owner: row.owner_id.into(),
        address_id: row.address_id.into(),
        name: row.name,
        description: row.description,
        phone: row.phone,
        email: row.email,
        address: StoreAddress {
            street: row.street,
            line2: row.line2,
            city: row.city,
            commune: row.commune,
            state: row.state,
            wilaya: row.wilaya.as_deref().and_then(Wilaya::find),
            postal_code: row.postal_code,
            country: row.country,
        },
        location: GeoPoint {
            latitude: row.latitude,
            longitude: row.longitude,
        },
        hours: row
            .opening_hours
            .as_deref()
            .map(Hours::from_json)
            .transpose()?,
        delivery_radius_km: row.delivery_radius_km,
        min_order_amount: row.min_order_amount,
        currency: row.currency.parse().map_err(Error::internal)?,
        image_url: row.image_url,
        created_at: Time::from_micros(row.created_at),
        life: Life {
            status,
            suspended_reason: row.suspended_reason,
            version: row.version,
            updated_at: Time::from_micros(row.updated_at),
            deleted_at: row.deleted_at.map(Time::from_micros),
        },
    })
}

/// The member of a row.
pub(super) fn member(row: member::Model) -> Result<Member> {
    Ok(Member {
        user: row.user_id.into(),
        role: StaffRole::from_word(&row.role).ok_or_else(|| unreadable(&row.role))?,
        created_at: Time::from_micros(row.created_at),
    })
}

fn unreadable(word: &str) -> Error {
    Error::internal(format!("the table of stores holds the unknown word {word}"))
}
