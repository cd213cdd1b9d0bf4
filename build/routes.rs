//! The HTTP route table, from the `google.api.http` options.

use std::collections::HashMap;
use std::fmt::Write;

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, MethodDescriptor};

use crate::raw::Raw;
use crate::schema::{Schema, get, grpc_path};

/// Methods that are reached by gRPC alone, each with its reason.
const GRPC_ONLY: &[&str] = &[];

/// Access that no HTTP route may lead to.
const INTERNAL_ACCESS: i32 = 5;

/// The code of the table, and what is wrong with the bindings.
pub fn generate(schema: &Schema) -> String {
    let mut table = Table {
        schema,
        code: String::from(
            "/// Every route, main bindings first within a method, sorted by gRPC path.\n\
             pub static ROUTES: &[Route] = &[\n",
        ),
        taken: HashMap::new(),
    };
    for method in schema.methods() {
        let rule = schema.message_option(&method.options(), "google.api.http");
        let path = grpc_path(&method);
        let is_hidden = GRPC_ONLY.contains(&path.as_str()) || is_internal(schema, &method);
        let raw = Raw::of(schema, &method);
        match rule {
            Some(rule) => {
                table.route(&method, &raw, &rule, true);
                for extra in get(&rule, "additional_bindings")
                    .as_list()
                    .unwrap_or_default()
                {
                    if let Some(extra) = extra.as_message() {
                        table.route(&method, &raw, extra, false);
                    }
                }
            }
            None if is_hidden => {}
            None => schema.method_problem(&method, "has no HTTP rule (google.api.http)"),
        }
    }
    table.code + "];\n"
}

struct Table<'a> {
    schema: &'a Schema,
    code: String,
    /// Which method owns a verb and pattern; variables count as equal.
    taken: HashMap<(String, String), String>,
}

impl Table<'_> {
    fn route(
        &mut self,
        method: &MethodDescriptor,
        raw: &Raw,
        rule: &DynamicMessage,
        is_main: bool,
    ) {
        let schema = self.schema;
        let Some((verb, pattern)) = verb_and_pattern(rule) else {
            schema.method_problem(method, "an HTTP rule needs get, put, post, delete or patch");
            return;
        };
        let variables = match variables(&pattern) {
            Ok(variables) => variables,
            Err(problem) => {
                schema.method_problem(method, format!("{pattern}: {problem}"));
                return;
            }
        };
        let input = method.input();
        for variable in &variables {
            if !is_scalar_path(&input, variable) {
                let problem = format!("{pattern}: {variable} is no scalar field of the request");
                schema.method_problem(method, problem);
            }
        }
        let body = get(rule, "body").as_str().unwrap_or_default().to_owned();
        self.check_body(method, verb, &body, &variables);
        if get(rule, "response_body")
            .as_str()
            .is_some_and(|name| !name.is_empty())
        {
            schema.method_problem(method, "response_body is not supported");
        }

        let key = (verb.to_owned(), shape(&pattern));
        let path = grpc_path(method);
        if let Some(owner) = self.taken.insert(key, path.clone()) {
            schema.method_problem(
                method,
                format!("{verb} {pattern} belongs to {owner} already"),
            );
        }
        let body = match (raw.body.as_deref(), body.as_str()) {
            (Some(field), "*") => format!("Body::Raw({field:?})"),
            (None, "") => "Body::None".to_owned(),
            (None, "*") => "Body::Whole".to_owned(),
            (None, field) => format!("Body::Field({field:?})"),
            (Some(_), _) => {
                schema.method_problem(method, format!("{pattern}: raw_body needs the body \"*\""));
                return;
            }
        };
        let headers = raw.headers();
        let _ = writeln!(
            self.code,
            "Route {{ method: {verb:?}, pattern: {pattern:?}, grpc_path: {path:?}, \
             body: {body}, headers: {headers}, primary: {is_main} }},"
        );
    }

    fn check_body(&self, method: &MethodDescriptor, verb: &str, body: &str, variables: &[String]) {
        let input = method.input();
        match body {
            "*" => {}
            "" => {
                // Fields that a POST leaves to the query are a binding forgotten.
                let left: Vec<_> = input
                    .fields()
                    .filter(|field| !variables.iter().any(|name| name == field.name()))
                    .map(|field| field.name().to_owned())
                    .collect();
                if matches!(verb, "POST" | "PUT" | "PATCH") && !left.is_empty() {
                    let left = left.join(", ");
                    let problem = format!("{verb} without a body leaves {left} to the query");
                    self.schema.method_problem(method, problem);
                }
            }
            field => {
                if input.get_field_by_name(field).is_none() {
                    let problem = format!("its body {field} is no field of the request");
                    self.schema.method_problem(method, problem);
                }
            }
        }
        if !body.is_empty() && matches!(verb, "GET" | "DELETE") {
            let problem = format!("{verb} takes no body");
            self.schema.method_problem(method, problem);
        }
    }
}

fn is_internal(schema: &Schema, method: &MethodDescriptor) -> bool {
    schema
        .message_option(&method.options(), "souk.options.v1.policy")
        .is_some_and(|policy| get(&policy, "access").as_enum_number() == Some(INTERNAL_ACCESS))
}

fn verb_and_pattern(rule: &DynamicMessage) -> Option<(&'static str, String)> {
    [
        ("get", "GET"),
        ("put", "PUT"),
        ("post", "POST"),
        ("delete", "DELETE"),
        ("patch", "PATCH"),
    ]
    .into_iter()
    .find(|(field, _)| rule.has_field_by_name(field))
    .and_then(|(field, verb)| Some((verb, get(rule, field).as_str()?.to_owned())))
}

/// The variables of a pattern. Whole segments only: `/a/{b}/c`; wildcards and custom
/// verbs (`:verb`) are refused, because the route matcher does not have them.
fn variables(pattern: &str) -> Result<Vec<String>, &'static str> {
    let path = pattern.strip_prefix('/').ok_or("must begin with a slash")?;
    let mut names = Vec::new();
    for segment in path.split('/') {
        let inner = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let text = inner.unwrap_or(segment);
        if text.is_empty() && path.is_empty() {
            continue;
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if text.is_empty() || !text.chars().all(is_plain) {
            return Err("only literal segments and {field} are supported");
        }
        names.extend(inner.map(str::to_owned));
    }
    Ok(names)
}

/// A pattern with its variables' names left out, so that equal shapes compare equal.
fn shape(pattern: &str) -> String {
    let blank = |segment: &str| match segment.starts_with('{') {
        true => "{}".to_owned(),
        false => segment.to_owned(),
    };
    pattern.split('/').map(blank).collect::<Vec<_>>().join("/")
}

/// Whether a dotted path of field names ends at a field that one path segment can hold.
fn is_scalar_path(message: &MessageDescriptor, path: &str) -> bool {
    let (head, rest) = match path.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let Some(field) = message.get_field_by_name(head) else {
        return false;
    };
    match (field.kind(), rest) {
        _ if field.is_list() || field.is_map() => false,
        (Kind::Message(inner), Some(rest)) => is_scalar_path(&inner, rest),
        (Kind::Message(_), None) => false,
        (_, rest) => rest.is_none(),
    }
}
