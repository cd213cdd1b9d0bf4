//! Destinations and prices on the wire.

use crate::grpc::convert::time_to_pb;
use crate::kernel::wilaya::Wilaya;
use crate::kernel::{Currency, Error, Result, Time};
use crate::pb::souk::delivery::v1 as pb;
use crate::services::shipping::{Destination, Rate, RateTable, Tariff};

/// The wilaya, as it stands at `now`.
pub(super) fn wilaya_to_pb(wilaya: &Wilaya, now: Time) -> pb::Wilaya {
    let Wilaya {
        code,
        name,
        name_ar,
        parent,
        zone: _,
        effective_from,
    } = wilaya;
    pb::Wilaya {
        code: code.to_string(),
        name: (*name).to_owned(),
        name_ar: (*name_ar).to_owned(),
        parent_code: parent.map(|parent| parent.to_string()),
        effective_from: effective_from.filter(|from| *from > now).map(time_to_pb),
    }
}

/// The prices to a destination.
pub(super) fn quote_to_pb(to: Destination, tariff: &Tariff, now: Time) -> pb::ShippingQuote {
    let Tariff {
        home,
        desk,
        days,
        currency,
    } = tariff;
    pb::ShippingQuote {
        wilaya: match to {
            Destination::Wilaya(wilaya) => Some(wilaya_to_pb(wilaya, now)),
            Destination::Abroad => None,
        },
        home: *home,
        desk: *desk,
        currency: currency.to_string(),
        days: *days,
    }
}

/// The table of rates.
pub(super) fn table_to_pb(table: &RateTable, currency: Currency) -> pb::RateTable {
    let RateTable {
        rates,
        flat,
        free_from,
    } = table;
    let rates = rates.iter().map(|rate| {
        let Rate {
            wilaya,
            home,
            desk,
            days,
            enabled,
        } = rate;
        pb::ShippingRate {
            wilaya: wilaya.to_string(),
            home: *home,
            desk: *desk,
            days: *days,
            enabled: Some(*enabled),
        }
    });
    pb::RateTable {
        rates: rates.collect(),
        flat: *flat,
        free_from: *free_from,
        currency: currency.to_string(),
    }
}

/// A table of rates.
///
/// # Errors
/// UNKNOWN_WILAYA, and VALIDATION_ERROR when a wilaya is named twice.
pub(super) fn table_from_pb(
    rates: Vec<pb::ShippingRate>,
    flat: Option<i64>,
    free_from: Option<i64>,
) -> Result<RateTable> {
    let mut read: Vec<Rate> = Vec::with_capacity(rates.len());
    for (place, rate) in rates.into_iter().enumerate() {
        let field = format!("rates[{place}].wilaya");
        let wilaya = Wilaya::parse(&field, &rate.wilaya)?.code;
        if read.iter().any(|other| other.wilaya == wilaya) {
            return Err(Error::field(field, "names the same wilaya as another rate"));
        }
        read.push(Rate {
            wilaya,
            home: rate.home,
            desk: rate.desk,
            days: rate.days,
            enabled: rate.enabled.unwrap_or(true),
        });
    }
    read.sort_by_key(|rate| rate.wilaya);
    Ok(RateTable {
        rates: read,
        flat,
        free_from,
    })
}
