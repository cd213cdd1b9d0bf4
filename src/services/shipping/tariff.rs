//! What a delivery costs: the order in which tables, zones and thresholds decide. Pure.

use serde::{Deserialize, Serialize};

use crate::kernel::wilaya::{Wilaya, WilayaCode, is_algeria};
use crate::kernel::{Currency, Error, Reason, Result, Time};

/// Centimes of the dinar; every amount here is in minor units.
const DINAR: i64 = 100;

/// What couriers ask to the door and to their office, by the destination's zone.
const ZONES: [(i64, i64); 4] = [
    (700 * DINAR, 450 * DINAR),
    (950 * DINAR, 500 * DINAR),
    (1250 * DINAR, 750 * DINAR),
    (1600 * DINAR, 800 * DINAR),
];
/// The same within one wilaya.
const SAME_WILAYA: (i64, i64) = (500 * DINAR, 300 * DINAR);
/// What every order costs where distance does not count.
const FLAT: (i64, i64) = (500 * DINAR, 500 * DINAR);

/// What decides where no table of rates does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The zone of the destination.
    #[default]
    Zones,
    /// One price for each order.
    Flat,
}

/// What delivery to one wilaya costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The wilaya.
    pub wilaya: WilayaCode,
    /// To the door; none means no delivery to the door.
    pub home: Option<i64>,
    /// To the courier's office; none means no delivery there.
    pub desk: Option<i64>,
    /// How many days it takes, at most.
    pub days: Option<i32>,
    /// False means no delivery to this wilaya.
    pub enabled: bool,
}

/// A table of rates, in one currency: of a store, or of the marketplace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateTable {
    /// At most one for each wilaya.
    pub rates: Vec<Rate>,
    /// One price for every destination that no rate names, other countries included.
    pub flat: Option<i64>,
    /// Orders from this amount on are delivered free.
    pub free_from: Option<i64>,
}

/// Where a parcel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To a wilaya.
    Wilaya(&'static Wilaya),
    /// To another country than Algeria.
    Abroad,
}

impl Destination {
    /// Reads a country and a wilaya; `field` names the wilaya's field. No country means
    /// Algeria, where the wilaya is required; elsewhere it is ignored.
    ///
    /// # Errors
    /// UNKNOWN_WILAYA that names the field.
    pub fn parse(field: &str, wilaya: &str, country: Option<&str>) -> Result<Self> {
        if is_algeria(country) {
            Wilaya::parse(field, wilaya).map(Self::Wilaya)
        } else {
            Ok(Self::Abroad)
        }
    }
}

/// How a parcel is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// To the door.
    Home,
    /// At the courier's office.
    StopDesk,
    /// At the store.
    Pickup,
}

/// What a delivery costs, in minor units of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    /// To the door; none means that there is no delivery to the door.
    pub home: Option<i64>,
    /// To the courier's office; none means that there is none.
    pub desk: Option<i64>,
    /// How many days it takes, at most, where that is known.
    pub days: Option<i32>,
    /// The currency.
    pub currency: Currency,
}

impl Tariff {
    /// The price of one kind of handover.
    ///
    /// # Errors
    /// SHIPPING_UNAVAILABLE, STOP_DESK_UNAVAILABLE.
    pub fn price(&self, handover: Handover) -> Result<i64> {
        match handover {
            Handover::Pickup => Ok(0),
            Handover::Home => self.home.ok_or_else(unavailable),
            Handover::StopDesk => self.desk.ok_or_else(|| {
                Error::new(
                    Reason::StopDeskUnavailable,
                    "there is no delivery to a courier's office in this wilaya",
                )
            }),
        }
    }
}

/// What a tariff follows from.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    /// The tables in the order in which they decide, all in `currency`.
    pub(super) tables: &'a [&'a RateTable],
    /// The wilaya of the sender, when it is known.
    pub(super) from: Option<&'static Wilaya>,
    pub(super) currency: Currency,
    pub(super) mode: Mode,
    pub(super) now: Time,
}

impl Terms<'_> {
    /// What delivery of goods worth `subtotal` costs.
    ///
    /// # Errors
    /// SHIPPING_UNAVAILABLE when nothing is delivered there.
    pub(super) fn tariff(&self, to: Destination, subtotal: i64) -> Result<Tariff> {
        let to = match to {
            Destination::Wilaya(wilaya) => Some(wilaya.in_power(self.now)),
            Destination::Abroad => None,
        };
        let decided = self.tables.iter().find_map(|table| table.rate(to));
        let rate = match decided.or_else(|| self.beyond_tables(to?)) {
            Some(rate) if rate.enabled => rate,
            _ => return Err(unavailable()),
        };
        let free_from = self.tables.iter().find_map(|table| table.free_from);
        let is_free = free_from.is_some_and(|from| subtotal >= from);
        let price = |amount: Option<i64>| amount.map(|amount| if is_free { 0 } else { amount });
        Ok(Tariff {
            home: price(rate.home),
            desk: price(rate.desk),
            days: rate.days,
            currency: self.currency,
        })
    }

    /// The prices where no table decides. They are in dinars, and hold for dinars only.
    fn beyond_tables(&self, to: &'static Wilaya) -> Option<Price> {
        if self.currency != Currency::DZD {
            return None;
        }
        let is_same = self.from.map(|from| from.in_power(self.now)) == Some(to);
        let (home, desk) = match self.mode {
            Mode::Flat => FLAT,
            Mode::Zones if is_same => SAME_WILAYA,
            Mode::Zones => *ZONES.get(usize::from(to.zone).checked_sub(1)?)?,
        };
        Some(Price::both(home, desk))
    }
}

/// What one table, or the distance, says about a destination.
struct Price {
    home: Option<i64>,
    desk: Option<i64>,
    days: Option<i32>,
    enabled: bool,
}

impl Price {
    const fn both(home: i64, desk: i64) -> Self {
        Self {
            home: Some(home),
            desk: Some(desk),
            days: None,
            enabled: true,
        }
    }
}

impl RateTable {
    fn rate(&self, to: Option<&'static Wilaya>) -> Option<Price> {
        let named = to.and_then(|to| self.rates.iter().find(|rate| rate.wilaya == to.code));
        match named {
            Some(rate) => Some(Price {
                home: rate.home,
                desk: rate.desk,
                days: rate.days,
                enabled: rate.enabled,
            }),
            None => self.flat.map(|flat| Price::both(flat, flat)),
        }
    }

    /// The rates as the database keeps them.
    pub(super) fn rates_to_json(&self) -> String {
        let stored: Vec<Stored> = self.rates.iter().map(Stored::of).collect();
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// The rates that [`RateTable::rates_to_json`] wrote.
    ///
    /// # Errors
    /// INTERNAL when the text is another.
    pub(super) fn rates_from_json(text: &str) -> Result<Vec<Rate>> {
        let stored: Vec<Stored> = serde_json::from_str(text).map_err(Error::internal)?;
        stored.into_iter().map(Stored::rate).collect()
    }
}

/// How a rate stands in the database.
#[derive(Serialize, Deserialize)]
struct Stored {
    wilaya: u8,
    home: Option<i64>,
    desk: Option<i64>,
    days: Option<i32>,
    enabled: bool,
}

impl Stored {
    fn of(rate: &Rate) -> Self {
        Self {
            wilaya: rate.wilaya.number(),
            home: rate.home,
            desk: rate.desk,
            days: rate.days,
            enabled: rate.enabled,
        }
    }

    fn rate(self) -> Result<Rate> {
        let wilaya = Wilaya::find(&self.wilaya.to_string())
            .ok_or_else(|| Error::internal(format!("a rate for the wilaya {}", self.wilaya)))?;
        Ok(Rate {
            wilaya: wilaya.code,
            home: self.home,
            desk: self.desk,
            days: self.days,
            enabled: self.enabled,
        })
    }
}

fn unavailable() -> Error {
    Error::new(Reason::ShippingUnavailable, "nothing is delivered there")
}

#[cfg(test)]
mod tests;
