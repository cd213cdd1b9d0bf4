//! Where a store is: how the parts that a client sends become an address. Pure.

use crate::kernel::address::{AddressParts, country};
use crate::kernel::text::change;
use crate::kernel::wilaya::{Wilaya, is_algeria};
use crate::kernel::{Error, Result};

/// The postal address of a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreAddress {
    /// Street and house number.
    pub street: Option<String>,
    /// Building, floor, or a landmark.
    pub line2: Option<String>,
    /// City or town.
    pub city: Option<String>,
    /// The commune, in Algeria.
    pub commune: Option<String>,
    /// State, province or region, outside Algeria.
    pub state: Option<String>,
    /// The wilaya; only in Algeria, and there only when it is known.
    pub wilaya: Option<&'static Wilaya>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// An ISO 3166-1 alpha-2 code, or the name that the client sent; empty means Algeria.
    pub country: String,
}

impl StoreAddress {
    /// Whether the address lies in Algeria.
    pub fn in_algeria(&self) -> bool {
        is_algeria(Some(&self.country))
    }

    /// The address with the parts that were sent.
    ///
    /// # Errors
    /// UNKNOWN_WILAYA, and VALIDATION_ERROR for a wilaya outside Algeria.
    pub fn with(self, parts: &AddressParts) -> Result<Self> {
        let mut address = Self {
            country: country(parts.country.as_deref().unwrap_or(&self.country)),
            ..self
        };
        change(&mut address.street, parts.street.as_deref());
        change(&mut address.line2, parts.line2.as_deref());
        change(&mut address.city, parts.city.as_deref());
        change(&mut address.commune, parts.commune.as_deref());
        change(&mut address.state, parts.state.as_deref());
        change(&mut address.postal_code, parts.postal_code.as_deref());
        address.wilaya = address.wilaya_with(parts.wilaya.as_deref())?;
        Ok(address)
    }

    fn wilaya_with(&self, sent: Option<&str>) -> Result<Option<&'static Wilaya>> {
        match sent.map(str::trim) {
            Some("") => Ok(None),
            Some(_) if !self.in_algeria() => Err(Error::field(
                "address.wilaya",
                "is for addresses in Algeria; elsewhere send state",
            )),
            Some(text) => Wilaya::parse("address.wilaya", text).map(Some),
            None if !self.in_algeria() => Ok(None),
            // Clients that know no wilayas send theirs as the state.
            None => Ok(self
                .wilaya
                .or_else(|| self.state.as_deref().and_then(Wilaya::find))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Reason;

    fn parts(state: Option<&str>, wilaya: Option<&str>, country: Option<&str>) -> AddressParts {
        AddressParts {
            state: state.map(str::to_owned),
            wilaya: wilaya.map(str::to_owned),
            country: country.map(str::to_owned),
            ..AddressParts::default()
        }
    }

    #[test]
    fn the_wilaya_comes_from_its_field_or_from_the_state_in_algeria_only() {
        let cases = [
            (parts(None, Some("16"), None), Some("Alger"), "DZ"),
            (
                parts(Some("Oran"), None, Some("Algérie")),
                Some("Oran"),
                "DZ",
            ),
            (parts(Some("Delhi"), None, Some("India")), None, "India"),
            (parts(Some("Delhi"), None, Some("in")), None, "IN"),
            (parts(None, None, None), None, "DZ"),
        ];
        for (parts, wilaya, country) in cases {
            let address = StoreAddress::default().with(&parts).unwrap();
            assert_eq!(
                address.wilaya.map(|wilaya| wilaya.name),
                wilaya,
                "{parts:?}"
            );
            assert_eq!(address.country, country, "{parts:?}");
        }
        for (wilaya, country, reason) in [
            ("Paris", "DZ", Reason::UnknownWilaya),
            ("16", "FR", Reason::ValidationError),
        ] {
            let sent = parts(None, Some(wilaya), Some(country));
            let error = StoreAddress::default().with(&sent).unwrap_err();
            assert_eq!(error.reason(), reason);
            assert_eq!(error.violations()[0].field, "address.wilaya");
        }
    }

    #[test]
    fn only_the_parts_that_were_sent_change() {
        let old = StoreAddress {
            street: Some("1 rue Didouche".to_owned()),
            city: Some("Alger".to_owned()),
            wilaya: Wilaya::find("16"),
            country: "DZ".to_owned(),
            ..StoreAddress::default()
        };
        let sent = AddressParts {
            street: Some(String::new()),
            commune: Some(" Sidi M'Hamed ".to_owned()),
            ..AddressParts::default()
        };
        let new = old.clone().with(&sent).unwrap();
        assert_eq!((new.street.clone(), new.city.clone()), (None, old.city));
        assert_eq!(new.commune.as_deref(), Some("Sidi M'Hamed"));
        assert_eq!(new.wilaya, old.wilaya);
        // Moving abroad leaves the wilaya behind.
        let abroad = new.with(&parts(None, None, Some("TN"))).unwrap();
        assert_eq!(abroad.wilaya, None);
    }
}
