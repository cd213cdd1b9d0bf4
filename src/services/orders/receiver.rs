//! Who receives an order, and where: what the request says, completed by what is known
//! of the buyer. Pure.

use super::model::Receiver;
use super::state::DeliveryType;
use crate::kernel::geo::GeoPoint;
use crate::kernel::phone::Phone;
use crate::kernel::wilaya::{Wilaya, is_algeria};
use crate::kernel::{Error, Result, Violation};

/// The country of addresses that name none (ISO 3166-1).
const ALGERIA: &str = "DZ";
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
        let sent = self.parts.as_ref().map_or("", |parts| parts.country.trim());
        match sent {
            sent if is_algeria(Some(sent)) => ALGERIA.to_owned(),
            sent if sent.len() == 2 => sent.to_ascii_uppercase(),
            sent => sent.to_owned(),
        }
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
    let violations = violations(wish, delivery, needs, &receiver);
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

fn violations(
    wish: &Wish,
    delivery: DeliveryType,
    needs: Needs,
    receiver: &Receiver,
) -> Vec<Violation> {
    let twice = wish.address.is_some() && wish.other_address.is_some();
    let text = wish.address.is_some() || wish.other_address.is_some();
    let half = wish
        .parts
        .as_ref()
        .is_some_and(|parts| parts.latitude.is_some() != parts.longitude.is_some());
    let abroad_wilaya = wish.wilaya.is_some() && !wish.in_algeria();
    let all = needs == Needs::Everything;
    let delivered = delivery != DeliveryType::Pickup;
    let missing_wilaya = delivered && wish.in_algeria() && receiver.wilaya_code.is_empty();
    let missing_address = delivery == DeliveryType::Home && receiver.address.is_empty();
    let rules = [
        (
            twice,
            "customerAddress",
            "cannot stand beside shippingAddress",
        ),
        (
            text && wish.parts.is_some(),
            "deliveryAddress",
            "cannot stand beside an address text",
        ),
        (
            half,
            "deliveryAddress",
            "needs latitude and longitude together",
        ),
        (
            abroad_wilaya,
            "customerWilaya",
            "is for destinations in Algeria",
        ),
        (
            all && receiver.name.chars().count() < 3,
            "customerName",
            "is required: 3 to 100 characters",
        ),
        (
            all && receiver.phone.is_empty(),
            "customerPhone",
            "is required",
        ),
        (
            all && missing_wilaya,
            "customerWilaya",
            "is required for delivery inside Algeria",
        ),
        (
            all && missing_address,
            "shippingAddress",
            "is required for delivery to the door",
        ),
        (
            receiver.address.chars().count() > ADDRESS_MAX,
            "deliveryAddress",
            "must be at most 300 characters long",
        ),
    ];
    let broken = rules.into_iter().filter(|(broken, ..)| *broken);
    broken
        .map(|(_, field, message)| Violation {
            field: field.to_owned(),
            message: message.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Reason;

    fn wish() -> Wish {
        Wish {
            name: Some("Amina Benali".to_owned()),
            phone: Some("0551234567".to_owned()),
            wilaya: Some("alger".to_owned()),
            commune: Some("Bab Ezzouar".to_owned()),
            address: Some("12 rue des Frères Bouadou".to_owned()),
            ..Wish::default()
        }
    }

    fn read_all(wish: &Wish, delivery: DeliveryType) -> Result<Receiver> {
        read(wish, delivery, &Profile::default(), Needs::Everything, None)
    }

    #[test]
    fn a_complete_wish_is_taken_in_normal_form() {
        let receiver = read_all(&wish(), DeliveryType::Home).unwrap();
        assert_eq!(receiver.phone, "+213551234567");
        assert_eq!(receiver.wilaya_code, "16");
        assert_eq!(receiver.country, "DZ");
    }

    #[test]
    fn an_address_in_parts_tells_wilaya_commune_and_place() {
        let parts = Parts {
            line1: "12 rue Larbi Ben M'hidi".to_owned(),
            line2: "2e étage".to_owned(),
            city: "Oran".to_owned(),
            state: "Oran".to_owned(),
            latitude: Some(35.7),
            longitude: Some(-0.63),
            ..Parts::default()
        };
        let inside = Wish {
            wilaya: None,
            commune: None,
            address: None,
            parts: Some(parts),
            ..wish()
        };
        let receiver = read_all(&inside, DeliveryType::Home).unwrap();
        assert_eq!(receiver.wilaya_code, "31");
        assert_eq!(receiver.commune, "Oran");
        assert_eq!(receiver.address, "12 rue Larbi Ben M'hidi, 2e étage");
        assert!(receiver.location.is_some());
        let abroad = Parts {
            country: "fr".to_owned(),
            ..inside.parts.clone().unwrap()
        };
        let abroad = Wish {
            parts: Some(abroad),
            ..inside
        };
        let receiver = read_all(&abroad, DeliveryType::Home).unwrap();
        assert_eq!(
            (receiver.wilaya_code.as_str(), receiver.country.as_str()),
            ("", "FR")
        );
        assert_eq!(
            receiver.address,
            "12 rue Larbi Ben M'hidi, 2e étage, Oran, Oran"
        );
    }

    #[test]
    fn the_way_of_delivery_decides_what_is_needed() {
        let bare = Wish {
            wilaya: None,
            commune: None,
            address: None,
            ..wish()
        };
        let fields = |delivery| match read_all(&bare, delivery) {
            Ok(_) => Vec::new(),
            Err(error) => error
                .violations()
                .iter()
                .map(|one| one.field.clone())
                .collect(),
        };
        assert_eq!(
            fields(DeliveryType::Home),
            ["customerWilaya", "shippingAddress"]
        );
        assert_eq!(fields(DeliveryType::StopDesk), ["customerWilaya"]);
        assert!(fields(DeliveryType::Pickup).is_empty());
    }

    #[test]
    fn what_is_missing_comes_from_the_profile() {
        let profile = Profile {
            name: Some("Karim".to_owned()),
            phone: Some("+213661234567".to_owned()),
            email: None,
        };
        let unnamed = Wish {
            name: None,
            phone: None,
            ..wish()
        };
        let home = DeliveryType::Home;
        let receiver = read(&unnamed, home, &profile, Needs::Everything, None).unwrap();
        assert_eq!(
            (receiver.name.as_str(), receiver.phone.as_str()),
            ("Karim", "+213661234567")
        );
        let refused = read_all(&unnamed, home).unwrap_err();
        assert_eq!(refused.violations().len(), 2);
    }

    #[test]
    fn contradictions_and_unknown_words_are_refused_by_name() {
        let both = Wish {
            other_address: Some("another address".to_owned()),
            ..wish()
        };
        let parts = Wish {
            parts: Some(Parts::default()),
            ..wish()
        };
        let nowhere = Wish {
            wilaya: Some("Paris".to_owned()),
            ..wish()
        };
        let phone = Wish {
            phone: Some("12".to_owned()),
            ..wish()
        };
        let cases = [
            (both, Reason::ValidationError, "customerAddress"),
            (parts, Reason::ValidationError, "deliveryAddress"),
            (nowhere, Reason::UnknownWilaya, "customerWilaya"),
            (phone, Reason::InvalidPhone, "customerPhone"),
        ];
        for (wish, reason, field) in cases {
            let error = read_all(&wish, DeliveryType::Home).unwrap_err();
            assert_eq!(
                (error.reason(), error.violations()[0].field.as_str()),
                (reason, field)
            );
        }
    }
}
