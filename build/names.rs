//! How proto names become the Rust names that the message generator gives them.

use heck::{ToSnakeCase, ToUpperCamelCase};
use prost_reflect::{MessageDescriptor, OneofDescriptor};

/// Keywords that a field or module may be called; they become raw identifiers.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static",
    "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// The name of a field or module.
pub fn snake(name: &str) -> String {
    let name = name.to_snake_case();
    if KEYWORDS.contains(&name.as_str()) {
        format!("r#{name}")
    } else {
        name
    }
}

/// The name of a type or variant.
pub fn camel(name: &str) -> String {
    name.to_upper_camel_case()
}

/// The absolute path of a message's struct.
pub fn message_path(message: &MessageDescriptor) -> String {
    type_path(message.package_name(), message.full_name())
}

/// The absolute path of the Rust enum that holds a oneof.
pub fn oneof_path(oneof: &OneofDescriptor) -> String {
    let message = oneof.parent_message();
    let inner = format!("{}.{}", message.full_name(), oneof.name());
    type_path(message.package_name(), &inner)
}

fn type_path(package: &str, full_name: &str) -> String {
    let mut path = String::from("crate");
    for segment in package.split('.') {
        path.push_str("::");
        path.push_str(&snake(segment));
    }
    let inner = full_name.strip_prefix(package).unwrap_or(full_name);
    let mut segments = inner.trim_start_matches('.').split('.').peekable();
    while let Some(segment) = segments.next() {
        path.push_str("::");
        path.push_str(&match segments.peek() {
            Some(_) => snake(segment),
            None => camel(segment),
        });
    }
    path
}
