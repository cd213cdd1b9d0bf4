//! Who receives an order, and where: what the request says, completed by what is known
//! of the buyer. Pure.

use super::model::Receiver;
use super::state::DeliveryType;
use crate::kernel::address::country;
use crate::kernel::geo::GeoPoint;
use crate::kernel::phone::Phone;
use crate::kernel::wilaya::{Wilaya, is_algeria};
use crate::kernel::{Error, Result, Violation};

/// The longest address in one text, in characters.
const ADDRESS_MAX: usize = 300;

/// What a request says of the receiver.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wish {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub wilaya: Option<String>,
    pub commune: Option<String>,
    /// `shippingAddress`.
    pub address: Option<String>,
    /// `customerAddress`, another name of the same.
    pub other_address: Option<String>,
    pub parts: Option<Parts>,
}

/// An address in parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parts {
    pub line1: String,
    pub line2: String,
    pub city: String,
    pub state: String,
    pub postal_code: String,
    pub country: String,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

/// What is known of a signed-in buyer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

/// How much must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Everything that the way of delivery needs.
    Everything,
    /// Nothing: what is told is taken. For free items, which nobody ships, and for prices.
    Nothing,
}

impl Wish {
    /// Whether the buyer's own data has to complete it.
    pub(super) const fn needs_profile(&self) -> bool {
        self.name.is_none() || self.phone.is_none()
    }

    /// The destination wilaya, when the request tells it; none outside Algeria.
    ///
    /// # Errors
    /// UNKNOWN_WILAYA that names the field.
    pub(super) fn wilaya(&self) -> Result<Option<&'static Wilaya>> {
        if !self.in_algeria() {
            return Ok(None);
        }
        let state = self.parts.as_ref().map(|parts| parts.state.as_str());
        match (&self.wilaya, state) {
            (Some(text), _) => Wilaya::parse("customerWilaya", text).map(Some),
            (None, Some(text)) if !text.trim().is_empty() => {
                Wilaya::parse("deliveryAddress.state", text).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The destination country: a code where one is known.
    pub(super) fn country(&self) -> String {
        country(self.parts.as_ref().map_or("", |parts| &parts.country))
    }

    fn in_algeria(&self) -> bool {
        is_algeria(self.parts.as_ref().map(|parts| parts.country.as_str()))
    }

    /// Where the address lies, when both coordinates are told.
    pub(super) fn location(&self) -> Option<GeoPoint> {
        let parts = self.parts.as_ref()?;
        let (latitude, longitude) = parts.latitude.zip(parts.longitude)?;
        Some(GeoPoint {
            latitude,
            longitude,
        })
    }

    /// The address in one text; empty when none is told.
    fn address_text(&self) -> String {
        let told = self.address.as_ref().or(self.other_address.as_ref());
        match (told, &self.parts) {
            (Some(text), _) => text.trim().to_owned(),
            (None, Some(parts)) => parts.text(self.in_algeria()),
            (None, None) => String::new(),
        }
    }
}

impl Parts {
    /// Inside Algeria city and state stand in fields of their own.
    fn text(&self, in_algeria: bool) -> String {
        let place: &[&String] = if in_algeria {
            &[]
        } else {
            &[&self.city, &self.state]
        };
        let parts = [&self.line1, &self.line2]
            .into_iter()
            .chain(place.iter().copied());
        let told: Vec<&str> = parts
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .collect();
        told.join(", ")
    }
}

/// The receiver of an order.
///
/// # Errors
/// VALIDATION_ERROR that names everything that is missing or told twice, INVALID_PHONE,
/// UNKNOWN_WILAYA.
pub(super) fn read(
    wish: &Wish,
    delivery: DeliveryType,
    profile: &Profile,
    needs: Needs,
    calling_code: Option<&str>,
) -> Result<Receiver> {
    let delivered = delivery != DeliveryType::Pickup;
    let wilaya = if delivered { wish.wilaya()? } else { None };
    let phone = match (&wish.phone, &profile.phone) {
        (Some(text), _) => normal_phone(text, calling_code)?,
        (None, Some(known)) => known.clone(),
        (None, None) => String::new(),
    };
    let name = wish.name.as_ref().or(profile.name.as_ref());
    let parts = wish.parts.clone().unwrap_or_default();
    let told = |text: &str| {
        if delivered {
            text.trim().to_owned()
        } else {
            String::new()
        }
    };
    let receiver = Receiver {
        name: name.map(|name| name.trim().to_owned()).unwrap_or_default(),
        phone,
        email: wish
            .email
            .clone()
            .or_else(|| profile.email.clone())
            .unwrap_or_default(),
        wilaya_code: wilaya
            .map(|wilaya| wilaya.code.to_string())
            .unwrap_or_default(),
        commune: told(wish.commune.as_deref().unwrap_or(&parts.city)),
        address: told(&wish.address_text()),
        postal_code: told(&parts.postal_code),
        country: wish.country(),
        location: wish.location().filter(|_| delivered),
    };
    let mut violations = broken(contradictions(wish, &receiver));
    if needs == Needs::Everything {
        violations.extend(broken(gaps(wish, delivery, &receiver)));
    }
    if violations.is_empty() {
        Ok(receiver)
    } else {
        Err(Error::fields(violations))
    }
}

fn normal_phone(text: &str, calling_code: Option<&str>) -> Result<String> {
    let phone = Phone::parse(text, calling_code);
    phone
        .map(|phone| phone.as_str().to_owned())
        .map_err(|refused| {
            Error::new(refused.reason(), refused.message().to_owned()).at("customerPhone")
        })
}

/// A broken rule: the field and what is wrong with it.
type Rule = (bool, &'static str, &'static str);

fn broken(rules: impl IntoIterator<Item = Rule>) -> Vec<Violation> {
    let broken = rules.into_iter().filter(|(broken, ..)| *broken);
    broken
        .map(|(_, field, message)| Violation {
            field: field.to_owned(),
            message: message.to_owned(),
        })
        .collect()
}

/// What a request says twice or by halves.
fn contradictions(wish: &Wish, receiver: &Receiver) -> [Rule; 5] {
    let (one, other) = (wish.address.is_some(), wish.other_address.is_some());
    let parts = wish.parts.as_ref();
    let half = parts.is_some_and(|at| at.latitude.is_some() != at.longitude.is_some());
    let abroad = wish.wilaya.is_some() && !wish.in_algeria();
    let too_long = receiver.address.chars().count() > ADDRESS_MAX;
    let address = "deliveryAddress";
    [
        (
            one && other,
            "customerAddress",
            "cannot stand beside shippingAddress",
        ),
        (
            (one || other) && parts.is_some(),
            address,
            "cannot stand beside an address text",
        ),
        (half, address, "needs latitude and longitude together"),
        (abroad, "customerWilaya", "is for destinations in Algeria"),
        (too_long, address, "must be at most 300 characters long"),
    ]
}

/// What the way of delivery needs and nobody told.
fn gaps(wish: &Wish, delivery: DeliveryType, receiver: &Receiver) -> [Rule; 4] {
    let delivered = delivery != DeliveryType::Pickup;
    let name = receiver.name.chars().count() < 3;
    let wilaya = delivered && wish.in_algeria() && receiver.wilaya_code.is_empty();
    let address = delivery == DeliveryType::Home && receiver.address.is_empty();
    [
        (name, "customerName", "is required: 3 to 100 characters"),
        (receiver.phone.is_empty(), "customerPhone", "is required"),
        (
            wilaya,
            "customerWilaya",
            "is required for delivery inside Algeria",
        ),
        (
            address,
            "shippingAddress",
            "is required for delivery to the door",
        ),
    ]
}

#[cfg(test)]
mod tests;
