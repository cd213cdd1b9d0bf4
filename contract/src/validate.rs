//! The rules of fields, compiled from the standard `buf.validate` options.
//!
//! A field that tracks presence is checked when it is set; any other field is always
//! checked, its zero value included. All violations of a message are reported at once.

use std::fmt::{self, Display};

pub mod forms;
mod generated {
    #![allow(
        clippy::all,
        clippy::expect_used,
        unused_variables,
        unreachable_patterns,
        reason = "generated; messages without rules use no argument, and patterns were compiled by the build"
    )]
    use std::sync::LazyLock;

    use regex::Regex;

    use super::{Path, Validate, Violation, forms};

    include!(concat!(env!("OUT_DIR"), "/validate.rs"));
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field by its JSON names, with indexes: `items[0].quantity`.
    pub field: String,
    /// What is wrong, to follow the field's name: `must be at least 3 characters`.
    pub message: String,
}

/// A message whose rules can be checked.
pub trait Validate {
    /// Whether the message is the request of a method; only those are checked when
    /// they are decoded.
    const REQUEST: bool;

    /// Adds every violation below `self`, which stands at `at`, to `out`.
    fn validate(&self, at: &Path<'_>, out: &mut Vec<Violation>);
}

/// Every violation of a message; empty where it keeps all rules.
pub fn check<M: Validate>(message: &M) -> Vec<Violation> {
    let mut violations = Vec::new();
    message.validate(&Path::ROOT, &mut violations);
    violations
}

/// Where a value stands in the message that is checked. Paths live on the stack and
/// become text only for a violation, so that a valid message allocates nothing.
#[derive(Clone, Copy)]
pub struct Path<'a>(Step<'a>);

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a Path<'a>, &'static str),
    Item(&'a Path<'a>, &'static str, usize),
    Entry(&'a Path<'a>, &'static str, &'a dyn Display),
}

impl<'a> Path<'a> {
    /// The message itself.
    pub const ROOT: Path<'static> = Path(Step::Root);

    /// A field, by its JSON name.
    pub fn field(&'a self, name: &'static str) -> Path<'a> {
        Path(Step::Field(self, name))
    }

    /// An element of a list, counted from 0.
    pub fn item(&'a self, name: &'static str, index: usize) -> Path<'a> {
        Path(Step::Item(self, name, index))
    }

    /// An entry of a map.
    pub fn entry(&'a self, name: &'static str, key: &'a dyn Display) -> Path<'a> {
        Path(Step::Entry(self, name, key))
    }

    /// Notes that the value here breaks a rule.
    pub fn fail(&self, out: &mut Vec<Violation>, message: &'static str) {
        out.push(Violation {
            field: self.to_string(),
            message: message.to_owned(),
        });
    }

    fn parent(&self) -> Option<&Path<'a>> {
        match self.0 {
            Step::Root => None,
            Step::Field(parent, _) | Step::Item(parent, ..) | Step::Entry(parent, ..) => {
                Some(parent)
            }
        }
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent()
            && parent.parent().is_some()
        {
            write!(f, "{parent}.")?;
        }
        match self.0 {
            Step::Root => Ok(()),
            Step::Field(_, name) => f.write_str(name),
            Step::Item(_, name, index) => write!(f, "{name}[{index}]"),
            Step::Entry(_, name, key) => write!(f, "{name}[\"{key}\"]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::souk::auth::v1::VerifyOtpRequest;
    use crate::souk::catalog::v1::CreateProductRequest;
    use crate::souk::orders::v1::{DeliveryAddress, OrderLine, PlaceOrderRequest};

    fn broken<M: Validate>(message: &M) -> Vec<(String, String)> {
        check(message)
            .into_iter()
            .map(|violation| (violation.field, violation.message))
            .collect()
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec()
    }

    #[test]
    fn an_order_that_keeps_the_rules_passes() {
        let order = PlaceOrderRequest {
            items: vec![OrderLine {
                product_id: Some("prod_1".into()),
                quantity: 2,
                ..OrderLine::default()
            }],
            currency: Some("DZD".into()),
            ..PlaceOrderRequest::default()
        };
        assert_eq!(broken(&order), []);
    }

    #[test]
    fn all_violations_are_told_at_once_with_json_names_and_indexes() {
        let order = PlaceOrderRequest {
            items: vec![
                OrderLine {
                    quantity: 1,
                    ..OrderLine::default()
                },
                OrderLine::default(),
            ],
            customer_name: Some("é1".into()),
            customer_email: Some("nobody".into()),
            delivery_type: 77,
            expected_total: Some(-1),
            currency: Some("dinar".into()),
            ..PlaceOrderRequest::default()
        };
        assert_eq!(
            broken(&order),
            pairs([
                ("items[1].quantity", "must be between 1 and 100000"),
                ("customerName", "must be at least 3 characters"),
                ("customerEmail", "must be an email address"),
                ("deliveryType", "must be one of HOME, STOP_DESK, PICKUP"),
                ("expectedTotal", "must be at least 0"),
                ("currency", "must match ^[A-Z]{3}$"),
            ])
        );
    }

    #[test]
    fn a_required_field_that_is_empty_breaks_that_rule_alone() {
        let request = VerifyOtpRequest {
            otp: "12345".into(),
            ..VerifyOtpRequest::default()
        };
        assert_eq!(
            broken(&request),
            pairs([("phone", "is required"), ("otp", "must match ^[0-9]{6}$")])
        );
    }

    #[test]
    fn lengths_count_characters() {
        let named = |name: String| {
            broken(&CreateProductRequest {
                name,
                ..CreateProductRequest::default()
            })
        };
        assert_eq!(named("ش".repeat(200)), []);
        assert_eq!(
            named("ش".repeat(201)),
            pairs([("name", "must be at most 200 characters")])
        );
    }

    #[test]
    fn lists_and_their_items_have_rules() {
        let request = CreateProductRequest {
            name: "Dates".into(),
            images: vec!["a".into(), "".into(), "a".into()],
            ..CreateProductRequest::default()
        };
        assert_eq!(
            broken(&request),
            pairs([
                ("images", "must not have the same item twice"),
                ("images[1]", "must not be empty"),
            ])
        );
    }

    #[test]
    fn maps_name_the_entry() {
        let mut request = CreateProductRequest {
            name: "Dates".into(),
            ..CreateProductRequest::default()
        };
        request.specifications.insert("k".into(), "v".repeat(5000));
        let violations = broken(&request);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].0, "specifications[\"k\"]");
    }

    #[test]
    fn rules_below_a_message_are_reached() {
        let order = PlaceOrderRequest {
            delivery_address: Some(DeliveryAddress::default()),
            ..PlaceOrderRequest::default()
        };
        assert_eq!(
            broken(&order),
            pairs([("deliveryAddress.addressLine1", "is required")])
        );
    }

    #[test]
    fn a_number_that_is_not_one_is_in_no_range() {
        let point = crate::souk::common::v1::GeoPoint {
            latitude: f64::NAN,
            longitude: 3.05,
        };
        assert_eq!(
            broken(&point),
            pairs([("latitude", "must be between -90 and 90")])
        );
    }
}
