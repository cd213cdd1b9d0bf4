//! Stores on the wire.

use chrono::Weekday;
use prost::Message;

use super::Settings;
use super::address::StoreAddress;
use super::find::DEFAULT_RADIUS_KM;
use super::hours::{Hours, Period};
use super::model::{Availability, DEFAULT_DELIVERY_RADIUS_KM, NewStore, Store, StoreChange};
use super::policy::StaffRole;
use super::staff::NamedMember;
use super::state::Status;
use super::store::{Nearby, Search};
use crate::grpc::convert::{address_from_pb, time_to_pb};
use crate::kernel::geo::GeoPoint;
use crate::kernel::phone::Phone;
use crate::kernel::text::fold;
use crate::kernel::wilaya::Wilaya;
use crate::kernel::{Currency, Error, Reason, Result};
use crate::pb::souk::common::v1 as common;
use crate::pb::souk::stores::v1 as pb;

/// The store as GetStore shows it.
pub(super) fn store_to_pb(store: &Store) -> pb::Store {
    pb::Store {
        address: Some(address_to_pb(&store.address, store.location)),
        status: status_to_pb(store.status()).map(Into::into),
        email: store.email.clone(),
        opening_hours: store.hours.as_ref().map(hours_to_pb),
        delivery_radius_km: Some(store.delivery_radius_km),
        min_order_amount: store.min_order_amount,
        currency: Some(store.currency.to_string()),
        image_url: store.image_url.clone(),
        created_at: Some(time_to_pb(store.created_at)),
        updated_at: Some(time_to_pb(store.updated_at())),
        ..name_to_pb(store)
    }
}

/// What names a store, and nothing else: the answer of CreateStore.
pub(super) fn name_to_pb(store: &Store) -> pb::Store {
    pb::Store {
        id: store.id.to_string(),
        name: store.name.clone(),
        description: store.description.clone(),
        phone: store.phone.clone(),
        owner_id: store.owner.to_string(),
        address_id: store.address_id.to_string(),
        address: None,
        status: None,
        email: None,
        opening_hours: None,
        delivery_radius_km: None,
        min_order_amount: None,
        currency: None,
        image_url: None,
        distance: None,
        created_at: None,
        updated_at: None,
    }
}

/// The store with its distance.
pub(super) fn nearby_to_pb(near: &Nearby) -> pb::Store {
    pb::Store {
        distance: Some(near.distance_km()),
        ..store_to_pb(&near.store)
    }
}

/// What the event of a change carries.
pub(super) fn payload(store: &Store) -> Vec<u8> {
    store_to_pb(store).encode_to_vec()
}

fn status_to_pb(status: Status) -> Option<pb::store::Status> {
    match status {
        Status::Draft => Some(pb::store::Status::Draft),
        Status::Active => Some(pb::store::Status::Active),
        Status::Paused => Some(pb::store::Status::Paused),
        Status::Suspended => Some(pb::store::Status::Suspended),
        Status::Deleted => None,
    }
}

fn address_to_pb(address: &StoreAddress, location: GeoPoint) -> common::Address {
    let StoreAddress {
        street,
        line2,
        city,
        commune,
        state,
        wilaya,
        postal_code,
        country,
    } = address.clone();
    common::Address {
        street,
        line2,
        city,
        commune,
        state,
        wilaya: wilaya.map(|wilaya| wilaya.name.to_owned()),
        postal_code,
        country: Some(country),
        latitude: Some(location.latitude),
        longitude: Some(location.longitude),
    }
}

fn hours_to_pb(hours: &Hours) -> pb::OpeningHours {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let periods = hours.periods().iter().map(|period| pb::OpeningPeriod {
        day: weekday_to_pb(period.day).into(),
        open: clock(period.open),
        close: clock(period.close),
    });
    pb::OpeningHours {
        time_zone: hours.zone().to_owned(),
        periods: periods.collect(),
    }
}

fn weekday_to_pb(day: Weekday) -> pb::opening_period::Weekday {
    use pb::opening_period::Weekday as Day;
    match day {
        Weekday::Mon => Day::Monday,
        Weekday::Tue => Day::Tuesday,
        Weekday::Wed => Day::Wednesday,
        Weekday::Thu => Day::Thursday,
        Weekday::Fri => Day::Friday,
        Weekday::Sat => Day::Saturday,
        Weekday::Sun => Day::Sunday,
    }
}

/// Whether the store serves.
pub(super) fn availability_to_pb(availability: Availability) -> pb::GetStoreAvailabilityResponse {
    let Availability { opening, delivers } = availability;
    pb::GetStoreAvailabilityResponse {
        is_open: opening.is_open,
        next_open_time: opening.next_open.map(time_to_pb),
        next_close_time: opening.next_close.map(time_to_pb),
        delivery_available: delivers,
    }
}

/// The member.
pub(super) fn member_to_pb(named: NamedMember) -> pb::StoreManager {
    let NamedMember { member, name } = named;
    pb::StoreManager {
        user_id: member.user.to_string(),
        name,
        role: match member.role {
            StaffRole::Manager => pb::store_manager::Role::Manager,
            StaffRole::Staff => pb::store_manager::Role::Staff,
        }
        .into(),
        created_at: Some(time_to_pb(member.created_at)),
    }
}

/// The role that a request names; none means manager.
pub(super) fn role_from_pb(role: pb::store_manager::Role) -> StaffRole {
    match role {
        pb::store_manager::Role::Unspecified | pb::store_manager::Role::Manager => {
            StaffRole::Manager
        }
        pb::store_manager::Role::Staff => StaffRole::Staff,
    }
}

/// A store to be opened.
///
/// # Errors
/// INVALID_PHONE, UNKNOWN_WILAYA, CURRENCY_UNSUPPORTED, VALIDATION_ERROR.
pub(super) fn new_store_from_pb(
    message: pb::CreateStoreRequest,
    settings: &Settings,
) -> Result<NewStore> {
    let parts = address_from_pb(message.address.unwrap_or_default());
    let location = parts.required_location()?;
    Ok(NewStore {
        name: name(&message.name)?,
        description: message.description,
        phone: phone(&message.phone, settings)?,
        email: message.email,
        address: StoreAddress::default().with(&parts)?,
        location,
        hours: message.opening_hours.map(hours_from_pb).transpose()?,
        delivery_radius_km: message
            .delivery_radius_km
            .unwrap_or(DEFAULT_DELIVERY_RADIUS_KM),
        min_order_amount: message.min_order_amount.filter(|amount| *amount > 0),
        currency: match message.currency {
            Some(code) => currency(&code)?,
            None => settings.currency,
        },
        image_url: message.image_url,
        draft: message.draft,
    })
}

/// What changes in a store.
///
/// # Errors
/// INVALID_PHONE, VALIDATION_ERROR.
pub(super) fn change_from_pb(
    message: pb::UpdateStoreRequest,
    settings: &Settings,
) -> Result<StoreChange> {
    Ok(StoreChange {
        name: message.name.as_deref().map(name).transpose()?,
        description: message.description,
        phone: message
            .phone
            .map(|text| phone(&text, settings))
            .transpose()?,
        email: message.email,
        address: address_from_pb(message.address.unwrap_or_default()),
        delivery_radius_km: message.delivery_radius_km,
        min_order_amount: message.min_order_amount,
        image_url: message.image_url,
    })
}

fn name(text: &str) -> Result<String> {
    match text.trim() {
        "" => Err(Error::field("name", "must not be blank")),
        name => Ok(name.to_owned()),
    }
}

fn phone(text: &str, settings: &Settings) -> Result<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let phone = Phone::parse(text, settings.default_phone_country.as_deref())?;
    Ok(phone.as_str().to_owned())
}

fn currency(code: &str) -> Result<Currency> {
    let currency = code.parse::<Currency>().ok().filter(Currency::is_current);
    currency.ok_or_else(|| {
        Error::new(Reason::CurrencyUnsupported, "the currency is not in use")
            .at("currency")
            .with("currency", code)
    })
}

/// Opening hours.
///
/// # Errors
/// VALIDATION_ERROR for an unknown zone and for periods that overlap.
pub(super) fn hours_from_pb(hours: pb::OpeningHours) -> Result<Hours> {
    let periods = hours.periods.iter().enumerate().map(|(place, period)| {
        Ok(Period {
            day: weekday_from_pb(period.day(), place)?,
            open: minute(&period.open, place, "open")?,
            close: minute(&period.close, place, "close")?,
        })
    });
    Hours::new(&hours.time_zone, periods.collect::<Result<_>>()?)
}

fn weekday_from_pb(day: pb::opening_period::Weekday, place: usize) -> Result<Weekday> {
    use pb::opening_period::Weekday as Day;
    Ok(match day {
        Day::Monday => Weekday::Mon,
        Day::Tuesday => Weekday::Tue,
        Day::Wednesday => Weekday::Wed,
        Day::Thursday => Weekday::Thu,
        Day::Friday => Weekday::Fri,
        Day::Saturday => Weekday::Sat,
        Day::Sunday => Weekday::Sun,
        Day::Unspecified => {
            let field = format!("openingHours.periods[{place}].day");
            return Err(Error::field(field, "is required"));
        }
    })
}

/// `HH:MM` as minutes after midnight.
fn minute(text: &str, place: usize, end: &str) -> Result<u16> {
    let clock = chrono::NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| {
        let field = format!("openingHours.periods[{place}].{end}");
        Error::field(field, "must be a time such as 09:30")
    })?;
    let minutes = chrono::Timelike::num_seconds_from_midnight(&clock) / 60;
    u16::try_from(minutes).map_err(Error::internal)
}

/// What to search for.
///
/// # Errors
/// UNKNOWN_WILAYA.
pub(super) fn search_from_pb(message: &pb::SearchStoresRequest) -> Result<Search> {
    let wilaya = Some(message.wilaya.as_str()).filter(|text| !text.is_empty());
    Ok(Search {
        words: fold(&message.query),
        city: Some(fold(&message.city)).filter(|city| !city.is_empty()),
        wilaya: wilaya
            .map(|text| Wilaya::parse("wilaya", text))
            .transpose()?
            .map(|wilaya| wilaya.code),
    })
}

/// The point and the radius to search around, with the default filled in.
pub(super) fn disk_from_pb(
    message: &pb::ListNearbyStoresRequest,
) -> pb::list_nearby_stores_response::SearchParams {
    pb::list_nearby_stores_response::SearchParams {
        latitude: message.latitude.unwrap_or_default(),
        longitude: message.longitude.unwrap_or_default(),
        radius: message.radius.unwrap_or(DEFAULT_RADIUS_KM),
    }
}

/// The point to search around.
pub(super) fn centre_from_pb(disk: &pb::list_nearby_stores_response::SearchParams) -> GeoPoint {
    GeoPoint {
        latitude: disk.latitude,
        longitude: disk.longitude,
    }
}

/// The customer's place, where the request names one.
///
/// # Errors
/// VALIDATION_ERROR when only one of the coordinates is there.
pub(super) fn point_from_pb(message: &pb::GetStoreAvailabilityRequest) -> Result<Option<GeoPoint>> {
    match (message.latitude, message.longitude) {
        (Some(latitude), Some(longitude)) => Ok(Some(GeoPoint {
            latitude,
            longitude,
        })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Error::field("latitude", "is required with longitude")),
        (Some(_), None) => Err(Error::field("longitude", "is required with latitude")),
    }
}
