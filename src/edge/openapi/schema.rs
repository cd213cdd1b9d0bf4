//! The messages and enums of the contract as JSON schemas.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comments::Comments;
use super::rules::{self, Rules};
use crate::edge::binding::Binding;
use crate::pb::enums;

/// Makes schemas.
pub struct Schemas<'a> {
    pool: &'a DescriptorPool,
    comments: &'a Comments,
    /// Full names of the messages that requests hold.
    asked: BTreeSet<String>,
    /// Full names of the messages that answers hold.
    answered: BTreeSet<String>,
}

impl<'a> Schemas<'a> {
    /// Finds what requests and answers hold.
    pub fn new(pool: &'a DescriptorPool, comments: &'a Comments, bindings: &[Binding]) -> Self {
        let mut asked = BTreeSet::new();
        let mut answered = BTreeSet::new();
        for binding in bindings {
            reach(&binding.input, &mut asked);
            if let Some(output) = pool.get_message_by_name(binding.method.output.full_name) {
                reach(&output, &mut answered);
            }
        }
        Self {
            pool,
            comments,
            asked,
            answered,
        }
    }

    /// The schema of every message and enum in use, by its component name.
    pub fn all(&self) -> Map<String, Value> {
        let mut schemas = Map::new();
        for name in self.asked.union(&self.answered) {
            if let Some(message) = self.pool.get_message_by_name(name) {
                schemas.insert(component(name), self.message(&message, &[]));
            }
        }
        for item in self.pool.all_enums() {
            if item.package_name().starts_with("souk.")
                && !item.package_name().starts_with("souk.options.")
            {
                schemas.insert(component(item.full_name()), self.words(&item));
            }
        }
        schemas
    }

    /// The schema of a message without the fields of these JSON names.
    pub fn message(&self, message: &MessageDescriptor, without: &[&str]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let is_asked = self.asked.contains(message.full_name());
        for field in message.fields() {
            if without.contains(&field.json_name()) {
                continue;
            }
            properties.insert(field.json_name().to_owned(), self.field(&field));
            // Answers write every field that does not track presence.
            let is_required = match is_asked {
                true => self.is_required(&field),
                false => !field.supports_presence(),
            };
            if is_required {
                required.push(field.json_name().to_owned());
            }
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        self.describe(&mut schema, &message.parent_file(), message.path());
        schema.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        if is_asked && !self.answered.contains(message.full_name()) {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
        Value::Object(schema)
    }

    /// The schema of a field with its rules and its comment.
    pub fn field(&self, field: &FieldDescriptor) -> Value {
        let rules = Rules::of(self.pool, field);
        let mut schema = Map::new();
        if let Kind::Message(entry) = field.kind()
            && field.is_map()
        {
            let value = entry.map_entry_value_field();
            let values = Self::single(&value.kind(), &rules.inner());
            schema.insert("type".to_owned(), json!("object"));
            schema.insert("additionalProperties".to_owned(), Value::Object(values));
            rules.apply(&mut schema);
        } else if field.is_list() {
            let items = Self::single(&field.kind(), &rules.inner());
            schema.insert("type".to_owned(), json!("array"));
            schema.insert("items".to_owned(), Value::Object(items));
            rules.apply(&mut schema);
        } else {
            schema = Self::single(&field.kind(), &rules);
            if self.is_null_when_unset(field) {
                let kind = schema.get("type").cloned().unwrap_or_default();
                schema.insert("type".to_owned(), json!([kind, "null"]));
            }
        }
        self.describe(
            &mut schema,
            &field.parent_message().parent_file(),
            field.path(),
        );
        Value::Object(schema)
    }

    fn single(kind: &Kind, rules: &Rules) -> Map<String, Value> {
        let schema = match kind {
            Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
                json!({"type": "string", "format": "date-time"})
            }
            Kind::Message(message) => json!({"$ref": reference(message.full_name())}),
            Kind::Enum(item) => json!({"$ref": reference(item.full_name())}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Double => json!({"type": "number", "format": "double"}),
            Kind::Float => json!({"type": "number", "format": "float"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({"type": "integer", "format": "int32"})
            }
            Kind::Uint32 | Kind::Fixed32 => {
                json!({"type": "integer", "format": "uint32", "minimum": 0})
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": ["string", "integer"], "format": "int64", "pattern": "^-?[0-9]+$"})
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({"type": ["string", "integer"], "format": "uint64", "pattern": "^[0-9]+$"})
            }
        };
        let mut schema = match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        };
        if rules.required && matches!(kind, Kind::String) {
            schema.insert("minLength".to_owned(), json!(1));
        }
        rules.apply(&mut schema);
        schema
    }

    fn words(&self, item: &EnumDescriptor) -> Value {
        let file = item.parent_file();
        let mut lines = vec![self.comments.at(&file, item.path()).to_owned()];
        let table = enums::table(item.full_name());
        let mut words = Vec::new();
        for value in item.values() {
            words.push(value.name().to_owned());
            let comment = self.comments.at(&file, value.path()).replace('\n', " ");
            let aliases = table
                .and_then(|table| table.words.iter().find(|word| word.name == value.name()))
                .map_or(&[][..], |word| word.aliases);
            let also = match aliases {
                [] => String::new(),
                aliases => format!(" Also accepted: {}.", aliases.join(", ")),
            };
            lines.push(format!("- `{}`: {comment}{also}", value.name()));
        }
        json!({"type": "string", "enum": words, "description": lines.join("\n")})
    }

    /// Whether requests must have the field.
    pub fn is_required(&self, field: &FieldDescriptor) -> bool {
        Rules::of(self.pool, field).required
    }

    fn is_null_when_unset(&self, field: &FieldDescriptor) -> bool {
        rules::option(self.pool, field, "souk.options.v1.field")
            .and_then(|behaviour| {
                behaviour
                    .get_field_by_name("null_when_unset")
                    .map(|value| value.as_bool() == Some(true))
            })
            .unwrap_or(false)
    }

    fn describe(
        &self,
        schema: &mut Map<String, Value>,
        file: &prost_reflect::FileDescriptor,
        path: &[i32],
    ) {
        let comment = self.comments.at(file, path);
        if !comment.is_empty() {
            schema.insert("description".to_owned(), json!(comment));
        }
    }
}

/// Where the schema of a message or enum stands in the document.
pub fn reference(full_name: &str) -> String {
    format!("#/components/schemas/{}", component(full_name))
}

/// `souk.orders.v1.Order.Status` is the component `orders.Order.Status`.
fn component(full_name: &str) -> String {
    let name = full_name.strip_prefix("souk.").unwrap_or(full_name);
    name.replacen(".v1.", ".", 1)
}

fn reach(message: &MessageDescriptor, names: &mut BTreeSet<String>) {
    if message.package_name() == "google.protobuf" {
        return;
    }
    // An entry of a map is written as part of its field.
    if !message.is_map_entry() && !names.insert(message.full_name().to_owned()) {
        return;
    }
    for field in message.fields() {
        if let Kind::Message(inner) = field.kind() {
            reach(&inner, names);
        }
    }
}
