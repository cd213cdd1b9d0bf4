//! The JSON of fields marked `null_when_unset`: the serializer of just their message
//! gets an `else` that writes null, so that no other answer pays for it.

use std::path::Path;

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::names::snake;
use crate::schema::{Schema, get};

/// Edits the generated serializers in place.
pub fn apply(schema: &Schema, out_dir: &Path) -> Result<(), String> {
    for message in schema.messages() {
        for field in message.fields() {
            let behavior = schema.message_option(&field.options(), "souk.options.v1.field");
            let is_marked = behavior
                .is_some_and(|behavior| get(&behavior, "null_when_unset").as_bool() == Some(true));
            if is_marked {
                let path = out_dir.join(format!("{}.serde.rs", message.package_name()));
                let code = std::fs::read_to_string(&path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                let code = write_null(&code, &message, &field).ok_or_else(|| {
                    format!(
                        "proto/{}: {}: null_when_unset is for optional fields",
                        message.parent_file().name(),
                        field.full_name()
                    )
                })?;
                std::fs::write(&path, code)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
    }
    Ok(())
}

/// The serializer's file with the `else` added, or `None` where it has no place.
fn write_null(code: &str, message: &MessageDescriptor, field: &FieldDescriptor) -> Option<String> {
    // The struct name that the serializer announces is the message's full name, which
    // makes the place unique; the field's block follows it and ends at its own indent.
    let serializer = code.find(&format!("serialize_struct(\"{}\"", message.full_name()))?;
    let block_start = format!(
        "        if let Some(v) = self.{}.as_ref() {{\n",
        snake(field.name())
    );
    let block = serializer + code[serializer..].find(&block_start)?;
    if code[serializer..block].contains("struct_ser.end()") {
        return None;
    }
    let end = block + code[block..].find("\n        }\n")? + "\n        }".len();
    let null = format!(
        " else {{\n            struct_ser.serialize_field(\"{}\", &())?;\n        }}",
        field.json_name()
    );
    Some(format!("{}{null}{}", &code[..end], &code[end..]))
}
