//! Messages with a field marked `secret`: their `Debug` hides it, so that no log and no
//! trace can show what a request carried, and every message can hide what is secret in
//! it before it is written down.

use std::collections::BTreeSet;
use std::fmt::Write;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::names::{message_path, snake};
use crate::schema::{Schema, get};

/// The messages whose `Debug` is written here instead of being derived.
pub fn messages(schema: &Schema) -> Vec<MessageDescriptor> {
    let mut messages = schema.messages();
    messages.retain(|message| message.fields().any(|field| is_secret(schema, &field)));
    messages
}

/// The code of every such `Debug`, and of `HideSecrets` for every message.
pub fn generate(schema: &Schema) -> String {
    let mut code = String::new();
    for message in messages(schema) {
        debug(&mut code, schema, &message);
    }
    let holders = holders(schema);
    for message in schema.messages() {
        hide(&mut code, schema, &message, &holders);
    }
    code
}

fn debug(code: &mut String, schema: &Schema, message: &MessageDescriptor) {
    let _ = write!(
        code,
        "impl std::fmt::Debug for {} {{\n\
         fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n\
         f.debug_struct({:?})\n",
        message_path(message),
        message.name()
    );
    for field in message.fields().filter(|field| !is_in_oneof(field)) {
        let name = field.name();
        let _ = match is_secret(schema, &field) {
            true => writeln!(code, ".field({name:?}, &format_args!(\"[secret]\"))"),
            false => writeln!(code, ".field({name:?}, &self.{})", snake(name)),
        };
    }
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let name = oneof.name();
        let _ = writeln!(code, ".field({name:?}, &self.{})", snake(name));
    }
    code.push_str(".finish()\n}\n}\n");
}

/// The full names of the messages that hold a secret, at whatever depth.
fn holders(schema: &Schema) -> BTreeSet<String> {
    let all = schema.messages();
    let mut found: BTreeSet<String> = messages(schema)
        .iter()
        .map(|message| message.full_name().to_owned())
        .collect();
    // Each round finds those one level further out, until there are no more.
    loop {
        let before = found.len();
        for message in &all {
            if message.fields().any(|field| holds(&field, &found)) {
                found.insert(message.full_name().to_owned());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Whether a field's messages are among the `holders`.
fn holds(field: &FieldDescriptor, holders: &BTreeSet<String>) -> bool {
    inner(field).is_some_and(|message| holders.contains(message.full_name()))
}

/// The message of a field, of a list's items or of a map's values.
fn inner(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let Kind::Message(message) = field.kind() else {
        return None;
    };
    if !field.is_map() {
        return Some(message);
    }
    match message.map_entry_value_field().kind() {
        Kind::Message(value) => Some(value),
        _ => None,
    }
}

fn hide(
    code: &mut String,
    schema: &Schema,
    message: &MessageDescriptor,
    holders: &BTreeSet<String>,
) {
    let path = message_path(message);
    let _ = write!(code, "impl crate::secrets::HideSecrets for {path} {{");
    if holders.contains(message.full_name()) {
        code.push_str("\nfn hide_secrets(&mut self) {\n");
        for field in message.fields() {
            let is_secret = is_secret(schema, &field);
            if is_secret || holds(&field, holders) {
                check(schema, &field, is_secret);
                let _ = writeln!(
                    code,
                    "crate::secrets::HideSecrets::hide_secrets(&mut self.{});",
                    snake(field.name())
                );
            }
        }
        code.push_str("}\n");
    }
    code.push_str("}\n");
}

/// What can be hidden: a text, or a message that is no choice of a oneof.
fn check(schema: &Schema, field: &FieldDescriptor, is_secret: bool) {
    if is_secret && field.kind() != Kind::String {
        problem(schema, field, "a secret must be a string");
    }
    if is_in_oneof(field) {
        problem(schema, field, "a secret cannot stand in a oneof");
    }
}

fn problem(schema: &Schema, field: &FieldDescriptor, message: &str) {
    let message_of = field.parent_message();
    schema.problem(message_of.parent_file().name(), field.full_name(), message);
}

fn is_secret(schema: &Schema, field: &FieldDescriptor) -> bool {
    let behavior = schema.message_option(&field.options(), "souk.options.v1.field");
    behavior.is_some_and(|behavior| get(&behavior, "secret").as_bool() == Some(true))
}

fn is_in_oneof(field: &FieldDescriptor) -> bool {
    field
        .containing_oneof()
        .is_some_and(|oneof| !oneof.is_synthetic())
}
