//! A field that one piece of text can fill: a path segment or a query parameter. The
//! text goes straight into the wire form of the request, without JSON in between.

use std::collections::HashMap;

use prost::Message;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::wire;
use crate::pb::Timestamp;
use crate::pb::enums::{self, EnumTable};

/// How deep a query parameter may reach into the request (`a.b.c`).
const MAX_DEPTH: usize = 4;

/// Where text goes, and what it must look like.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The path by JSON names, as errors name it: `deliveryAddress.city`.
    pub name: String,
    /// May be given more than once.
    pub is_list: bool,
    /// The descriptor of the field that is filled.
    pub field: FieldDescriptor,
    /// Field numbers of the messages around it, from the request inwards.
    parents: Vec<u32>,
    form: Form,
}

/// The text forms of scalar fields.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Float,
    Double,
    Word(&'static EnumTable),
    Time,
}

impl Slot {
    /// The slot at a dotted path of proto names, or `None` where text cannot fill it.
    pub fn at(message: &MessageDescriptor, path: &str) -> Option<Self> {
        let mut message = message.clone();
        let mut parents = Vec::new();
        let mut names = Vec::new();
        let mut segments = path.split('.').peekable();
        while let Some(segment) = segments.next() {
            let field = message.get_field_by_name(segment)?;
            names.push(field.json_name().to_owned());
            if segments.peek().is_none() {
                return Self::new(names.join("."), parents, field);
            }
            let Kind::Message(inner) = field.kind() else {
                return None;
            };
            if field.is_list() || field.is_map() {
                return None;
            }
            parents.push(field.number());
            message = inner;
        }
        None
    }

    fn new(name: String, parents: Vec<u32>, field: FieldDescriptor) -> Option<Self> {
        let form = match field.kind() {
            _ if field.is_map() => return None,
            Kind::String => Form::Text,
            Kind::Bool => Form::Bool,
            Kind::Int32 => Form::Int32,
            Kind::Int64 => Form::Int64,
            Kind::Uint32 => Form::Uint32,
            Kind::Uint64 => Form::Uint64,
            Kind::Float => Form::Float,
            Kind::Double => Form::Double,
            Kind::Enum(item) => Form::Word(enums::table(item.full_name())?),
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Timestamp" => Form::Time,
            _ => return None,
        };
        Some(Self {
            name,
            is_list: field.is_list(),
            field,
            parents,
            form,
        })
    }

    /// Every slot of a request, the nested ones included.
    pub fn all(message: &MessageDescriptor) -> Vec<Self> {
        let mut slots = Vec::new();
        collect(message, &mut Vec::new(), &mut Vec::new(), &mut slots);
        slots
    }

    /// Appends the field to `request`.
    ///
    /// # Errors
    /// What is wrong with the text, to follow the field's name.
    pub fn put(&self, text: &str, request: &mut Vec<u8>) -> Result<(), String> {
        if self.parents.is_empty() {
            return self.form.put(self.field.number(), text, request);
        }
        let mut inner = Vec::with_capacity(text.len() + 8);
        self.form.put(self.field.number(), text, &mut inner)?;
        // A message given in pieces is merged by whoever reads it.
        for (depth, number) in self.parents.iter().enumerate().rev() {
            let mut outer = Vec::with_capacity(inner.len() + 8);
            let out = if depth == 0 {
                &mut *request
            } else {
                &mut outer
            };
            wire::put_bytes(*number, &inner, out);
            inner = outer;
        }
        Ok(())
    }

    /// The payload that `request` has at this field.
    pub fn find<'r>(&self, request: &'r [u8]) -> Option<&'r [u8]> {
        let message = self
            .parents
            .iter()
            .try_fold(request, |message, number| wire::find(message, *number))?;
        wire::find(message, self.field.number())
    }
}

fn collect(
    message: &MessageDescriptor,
    names: &mut Vec<String>,
    parents: &mut Vec<u32>,
    slots: &mut Vec<Slot>,
) {
    for field in message.fields() {
        names.push(field.json_name().to_owned());
        if let Some(slot) = Slot::new(names.join("."), parents.clone(), field.clone()) {
            slots.push(slot);
        } else if let Kind::Message(inner) = field.kind()
            && !field.is_list()
            && !field.is_map()
            && names.len() < MAX_DEPTH
        {
            parents.push(field.number());
            collect(&inner, names, parents, slots);
            parents.pop();
        }
        names.pop();
    }
}

/// The slots of a request by every name a query may use: JSON and proto spelling.
pub fn by_name(slots: &[Slot], message: &MessageDescriptor) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for (index, slot) in slots.iter().enumerate() {
        names.insert(slot.name.clone(), index);
        names.insert(proto_name(message, &slot.name), index);
    }
    names
}

fn proto_name(message: &MessageDescriptor, json_path: &str) -> String {
    let mut message = Some(message.clone());
    let mut names = Vec::new();
    for segment in json_path.split('.') {
        let field = message
            .as_ref()
            .and_then(|message| message.get_field_by_json_name(segment));
        let Some(field) = field else {
            break;
        };
        names.push(field.name().to_owned());
        message = field.kind().as_message().cloned();
    }
    names.join(".")
}

impl Form {
    fn put(self, number: u32, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Text => wire::put_bytes(number, text.as_bytes(), out),
            Self::Bool => wire::put_varint(number, u64::from(boolean(text)?), out),
            Self::Int32 => {
                let value: i32 = integer(text)?;
                // Negative numbers are sign-extended to 64 bits on the wire.
                wire::put_varint(number, i64::from(value) as u64, out);
            }
            Self::Int64 => wire::put_varint(number, integer::<i64>(text)? as u64, out),
            Self::Uint32 => wire::put_varint(number, u64::from(integer::<u32>(text)?), out),
            Self::Uint64 => wire::put_varint(number, integer(text)?, out),
            Self::Float => wire::put_fixed32(number, (real(text)? as f32).to_le_bytes(), out),
            Self::Double => wire::put_fixed64(number, real(text)?.to_le_bytes(), out),
            Self::Word(table) => {
                let word = table.find(text).ok_or_else(|| choices(table))?;
                wire::put_varint(number, i64::from(word.number) as u64, out);
            }
            Self::Time => {
                let deserializer: StrDeserializer<'_, ValueError> = text.into_deserializer();
                let time = Timestamp::deserialize(deserializer)
                    .map_err(|_| "must be a time such as 2026-11-20T17:36:44Z".to_owned())?;
                wire::put_bytes(number, &time.encode_to_vec(), out);
            }
        }
        Ok(())
    }
}

/// The refusal of an unknown word, which lists the known ones.
pub fn choices(table: &EnumTable) -> String {
    let words: Vec<&str> = table.choices().collect();
    format!("must be one of {}", words.join(", "))
}

fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

fn integer<T: std::str::FromStr<Err = std::num::ParseIntError>>(text: &str) -> Result<T, String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse::<T>().map_err(|error| match error.kind() {
        PosOverflow | NegOverflow => "is out of range".to_owned(),
        _ => "must be a whole number".to_owned(),
    })
}

fn real(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("must be a number".to_owned()),
    }
}
