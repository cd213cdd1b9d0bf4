//! Walks the messages of the contract, so that what holds for a kind of field holds for
//! the fields of RPCs that are yet to come.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

/// No request is nested deeper.
const DEPTH_MAX: usize = 6;

/// A field somewhere in a message.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The fields that lead to it, itself the last.
    way: Vec<FieldDescriptor>,
}

/// Every field of a message and of the messages in it.
pub fn spots(message: &MessageDescriptor) -> Vec<Spot> {
    let mut found = Vec::new();
    descend(message, &[], &mut found);
    found
}

fn descend(message: &MessageDescriptor, way: &[FieldDescriptor], found: &mut Vec<Spot>) {
    if way.len() >= DEPTH_MAX || message.package_name() == "google.protobuf" {
        return;
    }
    for field in message.fields().filter(|field| !field.is_map()) {
        let way: Vec<_> = way.iter().cloned().chain([field.clone()]).collect();
        found.push(Spot { way: way.clone() });
        if let Kind::Message(inner) = field.kind() {
            descend(&inner, &way, found);
        }
    }
}

impl Spot {
    pub fn field(&self) -> &FieldDescriptor {
        &self.way[self.way.len() - 1]
    }

    /// Such as `items[0].productId`.
    pub fn path(&self) -> String {
        let part = |field: &FieldDescriptor| match field.is_list() {
            true => format!("{}[0]", field.json_name()),
            false => field.json_name().to_owned(),
        };
        self.way.iter().map(part).collect::<Vec<_>>().join(".")
    }

    /// The message that the field holds, when it holds one of ours.
    pub fn message(&self) -> Option<MessageDescriptor> {
        match self.field().kind() {
            Kind::Message(inner) if inner.package_name() != "google.protobuf" => Some(inner),
            _ => None,
        }
    }

    /// Whether it holds the id of something.
    pub fn is_id(&self) -> bool {
        let name = self.field().name();
        // What names a letter of a provider, and what counts pages, are none of ours.
        self.field().kind() == Kind::String
            && (name == "id" || name.ends_with("_id"))
            && name != "message_id"
    }

    /// The value in a JSON request, made where it is missing.
    pub fn place<'v>(&self, request: &'v mut Value) -> &'v mut Value {
        self.way.iter().fold(request, |value, field| {
            if value.is_null() {
                *value = json!({});
            }
            let value = &mut value[field.json_name()];
            if !field.is_list() {
                return value;
            }
            if value.as_array().is_none_or(Vec::is_empty) {
                *value = json!([null]);
            }
            &mut value[0]
        })
    }
}
