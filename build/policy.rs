//! The policy table: who may call each method, how often, and how it behaves.

use std::fmt::Write;

use prost_reflect::{DynamicMessage, EnumDescriptor, MethodDescriptor, ReflectMessage};

use crate::names::camel;
use crate::schema::{Schema, get, grpc_path};

/// The enum of user roles that `Policy.Role` must mirror.
const USER_ROLE: &str = "souk.users.v1.User.Role";

/// The vocabulary of policies, as (proto enum, what a value means).
const VOCABULARY: &[(&str, &str)] = &[
    ("Access", "Who may call a method."),
    ("Role", "A role that a signed-in user may have."),
    (
        "Rate",
        "The class of rate limit that a method counts against.",
    ),
    ("Idempotency", "How a repeat of the same call behaves."),
];

/// The code of the vocabulary and the table.
pub fn generate(schema: &Schema) -> String {
    let mut code = String::new();
    for (name, meaning) in VOCABULARY {
        if let Some(item) = schema.any_enum(&format!("souk.options.v1.Policy.{name}")) {
            vocabulary(&mut code, &item, meaning);
        }
    }
    check_roles(schema);
    code.push_str("/// The policy of every method, sorted by path.\n");
    code.push_str("pub static ALL: &[MethodPolicy] = &[\n");
    for method in schema.methods() {
        match schema.message_option(&method.options(), "souk.options.v1.policy") {
            Some(policy) => entry(schema, &mut code, &method, &policy),
            None => schema.method_problem(&method, "has no policy (souk.options.v1.policy)"),
        }
    }
    code.push_str("];\n");
    code
}

/// A Rust enum without the proto's zero value, which no method may use.
fn vocabulary(code: &mut String, item: &EnumDescriptor, meaning: &str) {
    let name = item.name();
    let values: Vec<_> = item.values().filter(|value| value.number() != 0).collect();
    let _ = writeln!(
        code,
        "/// {meaning}\n#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\npub enum {name} {{"
    );
    for value in &values {
        let _ = writeln!(code, "/// The contract's `{}`.", value.name());
        let _ = writeln!(code, "{} = {},", camel(value.name()), value.number());
    }
    let _ = writeln!(code, "}}\nimpl {name} {{");
    let all: Vec<String> = values
        .iter()
        .map(|value| format!("Self::{}", camel(value.name())))
        .collect();
    let _ = writeln!(
        code,
        "/// Every value, in the contract's order.\npub const ALL: &'static [Self] = &[{}];",
        all.join(", ")
    );
    code.push_str(
        "/// The contract's word.\npub const fn as_str(self) -> &'static str {\nmatch self {\n",
    );
    for value in &values {
        let _ = writeln!(code, "Self::{} => {:?},", camel(value.name()), value.name());
    }
    code.push_str("}\n}\n/// The value that the contract gives this number.\n");
    code.push_str("pub const fn from_number(number: i32) -> Option<Self> {\nmatch number {\n");
    for value in &values {
        let _ = writeln!(
            code,
            "{} => Some(Self::{}),",
            value.number(),
            camel(value.name())
        );
    }
    code.push_str("_ => None,\n}\n}\n}\n");
}

fn entry(schema: &Schema, code: &mut String, method: &MethodDescriptor, policy: &DynamicMessage) {
    let variant = |field: &str| {
        let number = get(policy, field).as_enum_number().unwrap_or_default();
        let word = word(policy, field, number);
        if number == 0 || word.is_none() {
            schema.method_problem(method, format!("its policy states no {field}"));
        }
        camel(&word.unwrap_or_default())
    };
    let (access, rate) = (variant("access"), variant("rate"));
    let idempotency = variant("idempotency");
    let roles: Vec<String> = get(policy, "roles")
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|role| word(policy, "roles", role.as_enum_number()?))
        .map(|role| format!("Role::{}", camel(&role)))
        .collect();
    if (access == "Role") == roles.is_empty() {
        schema.method_problem(method, "roles go with ROLE access, and only with it");
    }
    let created = get(policy, "created").as_bool().unwrap_or_default();
    let max_bytes = max_bytes(schema, method, policy);
    let _ = writeln!(
        code,
        "MethodPolicy {{ path: {:?}, access: Access::{access}, roles: &[{}], rate: Rate::{rate}, \
         idempotency: Idempotency::{idempotency}, created: {created}, max_bytes: {max_bytes}, \
         server_streaming: {} }},",
        grpc_path(method),
        roles.join(", "),
        method.is_server_streaming(),
    );
}

/// The code of the limit of a method that takes a file.
fn max_bytes(schema: &Schema, method: &MethodDescriptor, policy: &DynamicMessage) -> String {
    match get(policy, "max_bytes").as_i32().unwrap_or_default() {
        0 => "None".to_owned(),
        bytes if bytes > 0 => format!("Some({bytes})"),
        _ => {
            schema.method_problem(method, "max_bytes is a number of bytes");
            "None".to_owned()
        }
    }
}

/// The word of an enum field's value.
fn word(policy: &DynamicMessage, field: &str, number: i32) -> Option<String> {
    let kind = policy.descriptor().get_field_by_name(field)?.kind();
    let value = kind.as_enum()?.get_value(number)?;
    Some(value.name().to_owned())
}

/// Policies name user roles by an enum of their own, because options must not import
/// an area; this keeps the two the same.
fn check_roles(schema: &Schema) {
    let (Some(own), Some(users)) = (
        schema.any_enum("souk.options.v1.Policy.Role"),
        schema.any_enum(USER_ROLE),
    ) else {
        return;
    };
    let words = |item: &EnumDescriptor| -> Vec<(String, i32)> {
        item.values()
            .map(|value| (value.name().to_owned(), value.number()))
            .collect()
    };
    if words(&own) != words(&users) {
        schema.problem(
            own.parent_file().name(),
            own.full_name(),
            format!("must have the words and numbers of {USER_ROLE}"),
        );
    }
}
