//! Postal addresses: the parts that clients send, and what holds of them everywhere.

use super::geo::GeoPoint;
use super::wilaya::is_algeria;
use super::{Error, Result, Violation};

/// The parts of an address that a client sent; what is missing stays as it is, what is
/// empty is cleared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AddressParts {
    /// Street and house number.
    pub street: Option<String>,
    /// Building, floor, or a landmark.
    pub line2: Option<String>,
    /// City or town.
    pub city: Option<String>,
    /// The commune.
    pub commune: Option<String>,
    /// State, province or region.
    pub state: Option<String>,
    /// A code or a name.
    pub wilaya: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// A code or a name.
    pub country: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

impl AddressParts {
    /// The coordinates, when they were sent.
    ///
    /// # Errors
    /// As [`location`].
    pub fn location(&self) -> Result<Option<GeoPoint>> {
        location(self.latitude, self.longitude)
    }

    /// The coordinates, which must have been sent.
    ///
    /// # Errors
    /// VALIDATION_ERROR that names what is missing.
    pub fn required_location(&self) -> Result<GeoPoint> {
        self.location()?.ok_or_else(|| missing(true, true))
    }
}

/// Where an address lies, if anybody said so.
///
/// # Errors
/// VALIDATION_ERROR that names the coordinate that is missing beside the other.
pub fn location(latitude: Option<f64>, longitude: Option<f64>) -> Result<Option<GeoPoint>> {
    match (latitude, longitude) {
        (Some(latitude), Some(longitude)) => Ok(Some(GeoPoint {
            latitude,
            longitude,
        })),
        (None, None) => Ok(None),
        _ => Err(missing(latitude.is_none(), longitude.is_none())),
    }
}

/// A country in its normal form: an ISO 3166-1 code where one is known, else the name as
/// it came. The empty text means Algeria.
pub fn country(sent: &str) -> String {
    match sent.trim() {
        sent if is_algeria(Some(sent)) => "DZ".to_owned(),
        sent if sent.len() == 2 => sent.to_ascii_uppercase(),
        sent => sent.to_owned(),
    }
}

fn missing(latitude: bool, longitude: bool) -> Error {
    let fields = [
        (latitude, "address.latitude"),
        (longitude, "address.longitude"),
    ];
    let missing = fields.into_iter().filter(|(missing, _)| *missing);
    Error::fields(
        missing
            .map(|(_, field)| Violation {
                field: field.to_owned(),
                message: "is required".to_owned(),
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_of_coordinates_is_refused() {
        for (latitude, longitude, field) in [
            (Some(36.7), None, "address.longitude"),
            (None, Some(3.0), "address.latitude"),
        ] {
            let error = location(latitude, longitude).unwrap_err();
            assert_eq!(error.violations().len(), 1);
            assert_eq!(error.violations()[0].field, field);
        }
        let error = AddressParts::default().required_location().unwrap_err();
        assert_eq!(error.violations().len(), 2);
    }

    #[test]
    fn a_country_is_a_code_where_one_is_known() {
        let cases = [
            ("", "DZ"),
            ("Algérie", "DZ"),
            (" tn ", "TN"),
            ("India", "India"),
        ];
        for (sent, normal) in cases {
            assert_eq!(country(sent), normal, "{sent:?}");
        }
    }
}
