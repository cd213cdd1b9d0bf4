//! What each route needs to turn a request into a call, worked out once at start.

use std::collections::HashMap;

use http::{HeaderName, Uri};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use super::slot::{self, Slot};
use crate::kernel::{Error, Result};
use crate::pb::methods::{self, Method};
use crate::pb::policy;
use crate::pb::routes::{self, ROUTES, Route};

/// One route, ready to be called.
#[derive(Debug)]
pub struct Binding {
    /// The method that answers.
    pub method: &'static Method,
    /// Where the inner service finds the method.
    pub uri: Uri,
    /// The answer's status is 201.
    pub created: bool,
    /// The request message.
    pub input: MessageDescriptor,
    /// The fields that the path fills, in the pattern's order.
    pub variables: Vec<Slot>,
    /// The fields that the query may fill.
    pub parameters: Vec<Slot>,
    /// Places in `parameters` by every accepted spelling.
    pub parameter_names: HashMap<String, usize>,
    /// Where the body goes.
    pub body: BodyPlan,
    /// The largest request in bytes, where the contract says so: a file, which is not
    /// collected before the call is admitted.
    pub max_bytes: Option<usize>,
    /// The fields that headers fill.
    pub headers: Vec<HeaderPlan>,
    /// The fields that make an event stream resume; only on streaming methods.
    pub stream: Option<StreamPlan>,
}

/// Where the body of a request goes.
#[derive(Debug)]
pub enum BodyPlan {
    /// There is none; one that is sent is not read.
    None,
    /// It is the request. `has_maps` says that a map stands somewhere in it: the typed
    /// decoder does not see a key that is given twice there.
    Whole { has_maps: bool },
    /// It is this field of the request.
    Field { json_name: String },
    /// It is the bytes of the field with this number, as they arrived.
    Raw { number: u32 },
}

/// A field that holds a header.
#[derive(Debug)]
pub struct HeaderPlan {
    /// The field.
    pub field: FieldDescriptor,
    /// The first of these headers that is there fills it.
    pub names: Vec<HeaderName>,
}

/// The resume tokens of a streaming method.
#[derive(Debug, Clone, Copy)]
pub struct StreamPlan {
    /// The request's `resume_token`.
    pub request_token: Option<u32>,
    /// The `resume_token` of each message.
    pub message_token: Option<u32>,
}

/// The descriptors of the contract.
///
/// # Errors
/// INTERNAL when the build has left something unreadable.
pub fn descriptors() -> Result<DescriptorPool> {
    DescriptorPool::decode(crate::pb::DESCRIPTOR_BYTES).map_err(Error::internal)
}

/// The bindings of every route, in the table's order.
///
/// # Errors
/// INTERNAL when the tables of the contract do not fit each other, which a test rules
/// out.
pub fn all(pool: &DescriptorPool) -> Result<Vec<Binding>> {
    ROUTES.iter().map(|route| binding(pool, route)).collect()
}

fn binding(pool: &DescriptorPool, route: &'static Route) -> Result<Binding> {
    let broken = |what: &str| Error::internal(format!("{}: {what}", route.pattern));
    let method = methods::method(route.grpc_path).ok_or_else(|| broken("no such method"))?;
    let policy = policy::policy(route.grpc_path).ok_or_else(|| broken("no policy"))?;
    let message = |name: &str| {
        pool.get_message_by_name(name)
            .ok_or_else(|| broken("no such message"))
    };
    let input = message(method.input.full_name)?;
    let output = message(method.output.full_name)?;
    let variables = variables(route.pattern)
        .map(|name| Slot::at(&input, name).ok_or_else(|| broken("no such variable")))
        .collect::<Result<Vec<_>>>()?;

    let parameters = parameters(&input, route, &variables);
    let body = body(&input, route).ok_or_else(|| broken("no such body field"))?;
    let headers = headers(&input, route).ok_or_else(|| broken("no such header field"))?;
    let token = |message: &MessageDescriptor| {
        message
            .get_field_by_name("resume_token")
            .map(|field| field.number())
    };
    Ok(Binding {
        method,
        uri: Uri::from_static(route.grpc_path),
        created: policy.created,
        max_bytes: policy.max_bytes,
        parameter_names: slot::by_name(&parameters, &input),
        stream: method.server_streaming.then(|| StreamPlan {
            request_token: token(&input),
            message_token: token(&output),
        }),
        input,
        variables,
        parameters,
        body,
        headers,
    })
}

/// What the query may fill: all that neither the path nor the body does, unless the body
/// is the whole request.
fn parameters(input: &MessageDescriptor, route: &Route, variables: &[Slot]) -> Vec<Slot> {
    let taken_by_body = match route.body {
        routes::Body::Whole | routes::Body::Raw(_) => return Vec::new(),
        routes::Body::Field(name) => input.get_field_by_name(name),
        routes::Body::None => None,
    };
    Slot::all(input)
        .into_iter()
        .filter(|slot| !variables.iter().any(|taken| taken.name == slot.name))
        .filter(|slot| {
            let head = slot.name.split('.').next();
            head != taken_by_body.as_ref().map(|field| field.json_name())
        })
        .collect()
}

fn body(input: &MessageDescriptor, route: &Route) -> Option<BodyPlan> {
    Some(match route.body {
        routes::Body::None => BodyPlan::None,
        routes::Body::Whole => BodyPlan::Whole {
            has_maps: has_maps(input, &mut Vec::new()),
        },
        routes::Body::Field(name) => BodyPlan::Field {
            json_name: input.get_field_by_name(name)?.json_name().to_owned(),
        },
        routes::Body::Raw(name) => BodyPlan::Raw {
            number: input.get_field_by_name(name)?.number(),
        },
    })
}

fn headers(input: &MessageDescriptor, route: &Route) -> Option<Vec<HeaderPlan>> {
    let plan = |held: &routes::HeaderField| {
        Some(HeaderPlan {
            field: input.get_field_by_name(held.field)?,
            names: held
                .names
                .iter()
                .map(|name| HeaderName::from_static(name))
                .collect(),
        })
    };
    route.headers.iter().map(plan).collect()
}

/// The variables of a pattern, in order.
fn variables(pattern: &'static str) -> impl Iterator<Item = &'static str> {
    pattern
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn has_maps(message: &MessageDescriptor, seen: &mut Vec<String>) -> bool {
    if seen.iter().any(|name| name == message.full_name()) {
        return false;
    }
    seen.push(message.full_name().to_owned());
    message.fields().any(|field| {
        field.is_map() || matches!(field.kind(), Kind::Message(inner) if has_maps(&inner, seen))
    })
}
