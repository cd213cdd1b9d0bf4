//! Fits parsed JSON to a message of the contract: finds everything that is wrong with
//! it, each with its path, and brings the spellings that clients may use into the form
//! that the typed decoder takes.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::json::{enter, enter_item};
use super::problem::FieldError;
use super::slot::choices;
use crate::pb::Timestamp;
use crate::pb::enums;

/// Whole numbers up to here are exact in a JSON number with a fraction or exponent.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Fits `value` to `message` in place, and lists what does not fit.
pub fn fit(message: &MessageDescriptor, value: &mut Value) -> Vec<FieldError> {
    let mut shape = Shape::default();
    shape.message(message, value);
    shape.errors
}

#[derive(Default)]
struct Shape {
    /// Where the walk stands.
    path: String,
    errors: Vec<FieldError>,
}

impl Shape {
    fn fail(&mut self, message: impl Into<String>) {
        let field = match self.path.is_empty() {
            true => "body".to_owned(),
            false => self.path.clone(),
        };
        self.errors.push(FieldError {
            field,
            message: message.into(),
        });
    }

    fn message(&mut self, message: &MessageDescriptor, value: &mut Value) {
        if message.full_name() == "google.protobuf.Timestamp" {
            if Timestamp::deserialize(&*value).is_err() {
                self.fail("must be a time such as 2026-11-20T17:36:44Z");
            }
            return;
        }
        // The other well-known types have forms of their own, which the typed decoder
        // judges.
        if message.package_name() == "google.protobuf" {
            return;
        }
        match value {
            Value::Object(members) => self.members(message, members),
            _ => self.fail("must be an object"),
        }
    }

    fn members(&mut self, message: &MessageDescriptor, members: &mut Map<String, Value>) {
        // An explicit null means the same as leaving the field out.
        members.retain(|_, value| !value.is_null());
        let mut seen: Vec<u32> = Vec::with_capacity(members.len());
        for (name, value) in members.iter_mut() {
            let length = enter(&mut self.path, name);
            let field = message
                .get_field_by_json_name(name)
                .or_else(|| message.get_field_by_name(name));
            match field {
                None => self.fail("is not a known field"),
                Some(field) if seen.contains(&field.number()) => {
                    self.fail("is given twice, in two spellings");
                }
                Some(field) => {
                    seen.push(field.number());
                    self.field(&field, value);
                }
            }
            self.path.truncate(length);
        }
    }

    fn field(&mut self, field: &FieldDescriptor, value: &mut Value) {
        if field.is_map() {
            self.map(field, value);
        } else if field.is_list() {
            self.list(field, value);
        } else {
            self.single(&field.kind(), value);
        }
    }

    fn list(&mut self, field: &FieldDescriptor, value: &mut Value) {
        let Value::Array(items) = value else {
            return self.fail("must be a list");
        };
        let kind = field.kind();
        for (index, item) in items.iter_mut().enumerate() {
            let length = enter_item(&mut self.path, index);
            self.single(&kind, item);
            self.path.truncate(length);
        }
    }

    fn map(&mut self, field: &FieldDescriptor, value: &mut Value) {
        let (Value::Object(members), Kind::Message(entry)) = (value, field.kind()) else {
            return self.fail("must be an object");
        };
        let kind = entry.map_entry_value_field().kind();
        for (key, value) in members.iter_mut() {
            let length = self.path.len();
            self.path.push_str(&format!("[{key:?}]"));
            self.single(&kind, value);
            self.path.truncate(length);
        }
    }

    fn single(&mut self, kind: &Kind, value: &mut Value) {
        match kind {
            Kind::Message(message) => self.message(message, value),
            Kind::Enum(item) => self.word(item, value),
            Kind::Bool if !value.is_boolean() => self.fail("must be true or false"),
            Kind::String if !value.is_string() => self.fail("must be a string"),
            Kind::Bytes if !value.is_string() => self.fail("must be base64 text"),
            Kind::Float | Kind::Double => self.real(value),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                self.integer(value, i128::from(i32::MIN)..=i128::from(i32::MAX));
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                self.integer(value, i128::from(i64::MIN)..=i128::from(i64::MAX));
            }
            Kind::Uint32 | Kind::Fixed32 => self.integer(value, 0..=i128::from(u32::MAX)),
            Kind::Uint64 | Kind::Fixed64 => self.integer(value, 0..=i128::from(u64::MAX)),
            Kind::Bool | Kind::String | Kind::Bytes => {}
        }
    }

    /// A word in any case or an alias becomes the contract's word.
    fn word(&mut self, item: &EnumDescriptor, value: &mut Value) {
        let Some(table) = enums::table(item.full_name()) else {
            return;
        };
        let known = match &*value {
            Value::String(word) => table.find(word),
            Value::Number(number) => table
                .words
                .iter()
                .find(|word| number.as_i64() == Some(i64::from(word.number))),
            _ => None,
        };
        match known {
            Some(word) => *value = Value::from(word.name),
            None => self.fail(choices(table)),
        }
    }

    /// A number or a string of digits. `1.0` and `1e3` are whole numbers too.
    fn integer(&mut self, value: &mut Value, range: std::ops::RangeInclusive<i128>) {
        let whole = match &*value {
            Value::Number(number) => number.as_i128().or_else(|| {
                number
                    .as_f64()
                    .filter(|real| real.fract() == 0.0)
                    .map(exact)
            }),
            Value::String(digits) => digits.parse().ok(),
            _ => None,
        };
        match whole {
            None => self.fail("must be a whole number"),
            Some(whole) if !range.contains(&whole) => self.fail("is out of range"),
            // Beyond 64 bits nothing is in range, so one of the two fits.
            Some(whole) => match (i64::try_from(whole), u64::try_from(whole)) {
                (Ok(whole), _) => *value = Value::from(whole),
                (_, Ok(whole)) => *value = Value::from(whole),
                _ => {}
            },
        }
    }

    fn real(&mut self, value: &Value) {
        let real = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(digits) => digits.parse().ok(),
            _ => None,
        };
        if !real.is_some_and(f64::is_finite) {
            self.fail("must be a number");
        }
    }
}

/// A whole `f64` as an integer; beyond exactness it becomes one that is out of any range.
fn exact(real: f64) -> i128 {
    match real.abs() <= EXACT {
        true => real as i128,
        false => i128::MAX,
    }
}
