//! From an HTTP request to the wire form of a gRPC request: path, query and body.

use std::borrow::Cow;

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::binding::{Binding, BodyPlan, HeaderPlan};
use super::problem::{FieldError, Problem};
use super::router::Captures;
use super::slot::Slot;
use super::{json, shape};

/// The query parameter that stands in for the `Last-Event-ID` header, for clients that
/// cannot set headers on the first connection.
const LAST_EVENT_ID: &str = "lastEventId";

/// Builds the request message.
///
/// # Errors
/// VALIDATION_ERROR that names every part at fault.
pub fn message(
    binding: &Binding,
    captures: &Captures<'_>,
    query: Option<&str>,
    body: &[u8],
    headers: &HeaderMap,
) -> Result<Vec<u8>, Problem> {
    let mut message = match &binding.body {
        BodyPlan::None => Vec::new(),
        BodyPlan::Raw { number } => return raw(binding, *number, captures, body, headers),
        _ if body.iter().all(u8::is_ascii_whitespace) => Vec::new(),
        BodyPlan::Whole { has_maps } => whole_body(binding, body, *has_maps)?,
        BodyPlan::Field { json_name } => field_body(binding, json_name, body)?,
    };
    let mut errors = Vec::new();
    let mut last_event = None;
    if let Some(query) = query {
        if percent_decode_str(query).decode_utf8().is_err() {
            return Err(Problem::invalid("the query is not UTF-8 text"));
        }
        put_query(binding, query, &mut message, &mut last_event, &mut errors);
    }
    put_variables(binding, captures, &mut message, &mut errors);
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    if let Some(number) = binding.stream.and_then(|stream| stream.request_token) {
        // A reconnecting EventSource keeps its URL and tells the newer token here.
        let header = headers.get("last-event-id");
        let header = header.and_then(|value| value.to_str().ok());
        let token = header.map(Cow::Borrowed).or(last_event);
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            super::wire::put_bytes(number, token.as_bytes(), &mut message);
        }
    }
    Ok(message)
}

/// The fast way decodes the bytes into the typed message. The careful way finds out
/// what is wrong, or that it was only a spelling.
fn whole_body(binding: &Binding, body: &[u8], has_maps: bool) -> Result<Vec<u8>, Problem> {
    let outline = json::outline(body);
    let is_plain = !has_maps && !outline.has_null && outline.depth <= json::MAX_DEPTH;
    if is_plain && let Ok(message) = (binding.method.input.decode)(body) {
        return Ok(message);
    }
    careful(binding, json::parse(body)?)
}

fn field_body(binding: &Binding, json_name: &str, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut members = Map::new();
    members.insert(json_name.to_owned(), json::parse(body)?);
    careful(binding, Value::Object(members))
}

fn careful(binding: &Binding, mut value: Value) -> Result<Vec<u8>, Problem> {
    let errors = shape::fit(&binding.input, &mut value);
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    (binding.method.input.decode_value)(value)
        .map_err(|error| Problem::invalid(format!("the body does not fit the request: {error}")))
}

/// The body as it arrived, and the headers beside it. What is wrong with them is for the
/// method to say, because only it knows what was signed.
fn raw(
    binding: &Binding,
    number: u32,
    captures: &Captures<'_>,
    body: &[u8],
    headers: &HeaderMap,
) -> Result<Vec<u8>, Problem> {
    let mut message = before_raw(binding, number, captures, body.len(), headers)?;
    message.extend_from_slice(body);
    Ok(message)
}

/// The request message up to a body of so many bytes that ends it.
///
/// # Errors
/// VALIDATION_ERROR that names every variable at fault.
pub fn before_raw(
    binding: &Binding,
    number: u32,
    captures: &Captures<'_>,
    length: usize,
    headers: &HeaderMap,
) -> Result<Vec<u8>, Problem> {
    let mut message = Vec::with_capacity(512);
    for plan in &binding.headers {
        if let Some(text) = only(plan, headers) {
            super::wire::put_bytes(plan.field.number(), text.as_bytes(), &mut message);
        }
    }
    let mut errors = Vec::new();
    put_variables(binding, captures, &mut message, &mut errors);
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    super::wire::begin_bytes(number, length, &mut message);
    Ok(message)
}

/// The text of the first header that is there. One that comes twice, or is no text, fills
/// nothing: two readers could take different values for the signed one.
fn only<'h>(plan: &HeaderPlan, headers: &'h HeaderMap) -> Option<&'h str> {
    let name = plan.names.iter().find(|name| headers.contains_key(*name))?;
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn put_variables(
    binding: &Binding,
    captures: &Captures<'_>,
    message: &mut Vec<u8>,
    errors: &mut Vec<FieldError>,
) {
    for (slot, segment) in binding.variables.iter().zip(captures.iter()) {
        if let Err(problem) = put_variable(slot, segment, message) {
            errors.push(FieldError {
                field: slot.name.clone(),
                message: problem,
            });
        }
    }
}

fn put_variable(slot: &Slot, segment: &str, message: &mut Vec<u8>) -> Result<(), String> {
    let text = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| "is not UTF-8 text".to_owned())?;
    let sent = slot.find(message).map(<[u8]>::to_vec);
    slot.put(&text, message)?;
    match sent {
        Some(sent) if slot.find(message) != Some(&*sent) => {
            Err("must equal the value in the path".to_owned())
        }
        _ => Ok(()),
    }
}

fn put_query<'q>(
    binding: &Binding,
    query: &'q str,
    message: &mut Vec<u8>,
    last_event: &mut Option<Cow<'q, str>>,
    errors: &mut Vec<FieldError>,
) {
    let mut given = vec![false; binding.parameters.len()];
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        if binding.stream.is_some() && name == LAST_EVENT_ID {
            *last_event = Some(text);
            continue;
        }
        let known = binding.parameter_names.get(&*name).copied();
        let slot = known.and_then(|index| Some((index, binding.parameters.get(index)?)));
        let result = match slot {
            None => Err("is not a known parameter".to_owned()),
            Some((index, slot)) if given[index] && !slot.is_list => {
                Err("is given twice".to_owned())
            }
            Some((index, slot)) => {
                given[index] = true;
                slot.put(&text, message)
            }
        };
        if let Err(problem) = result {
            errors.push(FieldError {
                field: name.into_owned(),
                message: problem,
            });
        }
    }
}
