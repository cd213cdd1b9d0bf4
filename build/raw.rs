//! Fields that hold a part of an HTTP message as it is: the options `raw_body` and `header`
//! of requests, and `answer_type` of answers.

use std::fmt::Write;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MethodDescriptor};

use crate::schema::{Schema, get};

/// The code of the field that is a method's whole answer over HTTP, if one is.
pub fn answer(schema: &Schema, method: &MethodDescriptor) -> String {
    let mut code = "None".to_owned();
    for field in method.output().fields() {
        let behavior = schema.message_option(&field.options(), "souk.options.v1.field");
        let kind = behavior.and_then(|it| Some(get(&it, "answer_type").as_str()?.to_owned()));
        let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
            continue;
        };
        if !matches!(field.kind(), Kind::String) || field.is_list() {
            schema.method_problem(method, "answer_type is for a string field");
        }
        if method.is_server_streaming() || method.output().fields().len() != 1 {
            schema.method_problem(method, "answer_type is for the one field of a unary answer");
        }
        let number = field.number();
        code = format!("Some(Text {{ number: {number}, content_type: {kind:?} }})");
    }
    code
}

/// What a request takes as it arrived.
#[derive(Default)]
pub struct Raw {
    /// The field that holds the body, by its proto name.
    pub body: Option<String>,
    /// Fields with the headers that may fill them, the first that is there.
    headers: Vec<(String, Vec<String>)>,
}

impl Raw {
    /// Reads the options on the fields of a method's request, and notes what is wrong.
    pub fn of(schema: &Schema, method: &MethodDescriptor) -> Self {
        let mut raw = Self::default();
        for field in method.input().fields() {
            let behavior = schema.message_option(&field.options(), "souk.options.v1.field");
            let Some(behavior) = behavior else {
                continue;
            };
            if get(&behavior, "raw_body").as_bool() == Some(true) {
                if !matches!(field.kind(), Kind::Bytes) || field.is_list() {
                    schema.method_problem(method, "raw_body is for a bytes field");
                }
                if raw.body.replace(field.name().to_owned()).is_some() {
                    schema.method_problem(method, "raw_body stands on two fields");
                }
            }
            raw.header(schema, method, &field, &behavior);
        }
        if raw.body.is_none() && !raw.headers.is_empty() {
            schema.method_problem(method, "header needs a raw_body beside it");
        }
        raw
    }

    fn header(
        &mut self,
        schema: &Schema,
        method: &MethodDescriptor,
        field: &FieldDescriptor,
        behavior: &DynamicMessage,
    ) {
        let names: Vec<String> = get(behavior, "header")
            .as_list()
            .unwrap_or_default()
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        if names.is_empty() {
            return;
        }
        if !matches!(field.kind(), Kind::String) || field.is_list() {
            schema.method_problem(method, "header is for a string field");
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        for name in &names {
            if name.is_empty() || !name.chars().all(is_plain) {
                schema.method_problem(method, format!("{name:?} is no header in lower case"));
            }
        }
        self.headers.push((field.name().to_owned(), names));
    }

    /// The code of the header fields.
    pub fn headers(&self) -> String {
        let mut code = String::from("&[");
        for (field, names) in &self.headers {
            let _ = write!(
                code,
                "HeaderField {{ field: {field:?}, names: &{names:?} }}, "
            );
        }
        code + "]"
    }
}
