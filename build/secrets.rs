//! Messages with a field marked `secret`: their `Debug` hides it, so that no log and no
//! trace can show what a request carried.

use std::fmt::Write;

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::names::{message_path, snake};
use crate::schema::{Schema, get};

/// The messages whose `Debug` is written here instead of being derived.
pub fn messages(schema: &Schema) -> Vec<MessageDescriptor> {
    let mut messages = schema.messages();
    messages.retain(|message| message.fields().any(|field| is_secret(schema, &field)));
    messages
}

/// The code of every such `Debug`.
pub fn generate(schema: &Schema) -> String {
    let mut code = String::new();
    for message in messages(schema) {
        let _ = write!(
            code,
            "impl std::fmt::Debug for {} {{\n\
             fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n\
             f.debug_struct({:?})\n",
            message_path(&message),
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
    code
}

fn is_secret(schema: &Schema, field: &FieldDescriptor) -> bool {
    let behavior = schema.message_option(&field.options(), "souk.options.v1.field");
    let secret = behavior.is_some_and(|behavior| get(&behavior, "secret").as_bool() == Some(true));
    if secret && is_in_oneof(field) {
        schema.problem(
            field.parent_message().parent_file().name(),
            field.full_name(),
            "a secret cannot stand in a oneof",
        );
    }
    secret
}

fn is_in_oneof(field: &FieldDescriptor) -> bool {
    field
        .containing_oneof()
        .is_some_and(|oneof| !oneof.is_synthetic())
}
