//! One operation of the document: a method at one of its paths.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};
use serde_json::{Map, Value, json};

use super::comments::{Comments, title};
use super::schema::{Schemas, reference};
use super::{ERROR_SCHEMA, examples};
use crate::edge::binding::{Binding, BodyPlan, HeaderPlan};
use crate::edge::slot::Slot;
use crate::pb::policy::{self, Access, Idempotency, MethodPolicy, Rate};
use crate::pb::routes::Route;

/// Makes operations, and the tags that they use.
pub struct Operations<'a> {
    pool: &'a DescriptorPool,
    comments: &'a Comments,
    schemas: &'a Schemas<'a>,
    /// How many paths of each method are done: an operation's id is its own.
    done: BTreeMap<&'static str, usize>,
    tags: BTreeMap<String, Value>,
}

/// The path in the document: variables by their JSON names.
pub fn path(route: &Route, binding: &Binding) -> String {
    let mut variables = binding.variables.iter();
    let segments = route.pattern.split('/').map(|segment| {
        match segment.starts_with('{').then(|| variables.next()).flatten() {
            Some(slot) => format!("{{{}}}", slot.name),
            None => segment.to_owned(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

impl<'a> Operations<'a> {
    /// None yet.
    pub fn new(pool: &'a DescriptorPool, comments: &'a Comments, schemas: &'a Schemas<'a>) -> Self {
        Self {
            pool,
            comments,
            schemas,
            done: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    /// The tags of the operations made so far: one for each service.
    pub fn tags(&self) -> Vec<&Value> {
        self.tags.values().collect()
    }

    /// The operation of a route.
    pub fn operation(&mut self, route: &'static Route, binding: &Binding) -> Option<Value> {
        let policy = policy::policy(route.grpc_path)?;
        let (service, method) = self.method(route.grpc_path)?;
        self.tag(&service);
        let comment = self
            .comments
            .at(&method.parent_service().parent_file(), method.path());
        let count = self.done.entry(route.grpc_path).or_default();
        *count += 1;
        let id = format!("{}_{}", service.name(), method.name());
        let id = match *count {
            1 => id,
            count => format!("{id}_{count}"),
        };
        let mut operation = json!({
            "operationId": id,
            "tags": [service.name()],
            "summary": title(comment),
            "description": comment,
            "responses": self.responses(binding, policy),
            "security": security(policy),
            "x-grpc-method": route.grpc_path.trim_start_matches('/'),
            "x-access": policy.access.as_str(),
            "x-rate": policy.rate.as_str(),
        });
        let parameters = self.parameters(binding, policy);
        if !parameters.is_empty() {
            operation["parameters"] = Value::Array(parameters);
        }
        if let Some(body) = self.body(binding) {
            operation["requestBody"] = body;
        }
        if policy.access == Access::Role {
            let roles: Vec<&str> = policy.roles.iter().map(|role| role.as_str()).collect();
            operation["x-roles"] = json!(roles);
        }
        if binding.method.deprecated {
            operation["deprecated"] = json!(true);
        }
        Some(operation)
    }

    fn method(&self, grpc_path: &str) -> Option<(ServiceDescriptor, MethodDescriptor)> {
        let (service, method) = grpc_path.trim_start_matches('/').split_once('/')?;
        let service = self.pool.get_service_by_name(service)?;
        let method = service.methods().find(|known| known.name() == method)?;
        Some((service, method))
    }

    fn tag(&mut self, service: &ServiceDescriptor) {
        let comment = self.comments.at(&service.parent_file(), service.path());
        self.tags
            .entry(service.name().to_owned())
            .or_insert_with(|| json!({"name": service.name(), "description": comment}));
    }

    fn parameters(&self, binding: &Binding, policy: &MethodPolicy) -> Vec<Value> {
        let path = binding.variables.iter().map(|slot| {
            let mut parameter = self.parameter(slot, "path");
            parameter["required"] = json!(true);
            parameter
        });
        let query = binding
            .parameters
            .iter()
            .map(|slot| self.parameter(slot, "query"));
        let mut parameters: Vec<Value> = path.chain(query).collect();
        parameters.extend(
            binding
                .headers
                .iter()
                .flat_map(|plan| self.headers_of(plan)),
        );
        if policy.idempotency == Idempotency::Keyed {
            parameters.push(json!({
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The call takes effect at most once under this key; a repeat \
                                gets the recorded answer.",
                "schema": {
                    "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"
                },
            }));
        }
        let resumes = binding.stream.and_then(|plan| plan.request_token);
        if resumes.is_some() {
            parameters.push(json!({
                "name": "Last-Event-ID",
                "in": "header",
                "description": "Resumes right after the event with this id.",
                "schema": {"type": "string"},
            }));
        }
        parameters
    }

    /// A header of each name, any of which fills the field.
    fn headers_of(&self, plan: &HeaderPlan) -> Vec<Value> {
        let mut schema = self.schemas.field(&plan.field);
        let description = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        // The type of a body stands beside its schema.
        let names = plan.names.iter().filter(|name| *name != CONTENT_TYPE);
        names
            .map(|name| {
                json!({
                    "name": name.as_str(),
                    "in": "header",
                    "description": description,
                    "schema": schema,
                })
            })
            .collect()
    }

    fn parameter(&self, slot: &Slot, place: &str) -> Value {
        let mut schema = self.schemas.field(&slot.field);
        let description = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        let is_required = self.schemas.is_required(&slot.field) && !slot.name.contains('.');
        let mut parameter = json!({"name": slot.name, "in": place, "schema": schema});
        if is_required {
            parameter["required"] = json!(true);
        }
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    }

    fn body(&self, binding: &Binding) -> Option<Value> {
        let (schema, is_required) = match &binding.body {
            BodyPlan::None => return None,
            // A file, in the form that browsers send files in.
            BodyPlan::Raw { number } if binding.max_bytes.is_some() => {
                let field = binding.input.get_field(*number)?;
                let mut schema = self.schemas.field(&field);
                schema["format"] = json!("binary");
                let name = field.json_name();
                let form = json!({
                    "type": "object", "required": [name], "properties": {name: schema},
                });
                let content = json!({"multipart/form-data": {"schema": form}});
                return Some(json!({"required": true, "content": content}));
            }
            // Whatever arrives is taken as it is.
            BodyPlan::Raw { .. } => {
                return Some(json!({"required": true, "content": {"*/*": {}}}));
            }
            BodyPlan::Whole { .. } if binding.variables.is_empty() => {
                let needed = binding.input.fields();
                let needed = needed
                    .into_iter()
                    .any(|field| self.schemas.is_required(&field));
                let name = binding.input.full_name();
                (json!({"$ref": reference(name)}), needed)
            }
            BodyPlan::Whole { .. } => {
                let names: Vec<&str> = binding
                    .variables
                    .iter()
                    .map(|slot| slot.name.as_str())
                    .collect();
                let schema = self.schemas.message(&binding.input, &names);
                let needed = schema.get("required").is_some();
                (schema, needed)
            }
            BodyPlan::Field { json_name } => {
                let field = binding.input.get_field_by_json_name(json_name)?;
                (self.schemas.field(&field), self.schemas.is_required(&field))
            }
        };
        let mut content = Map::new();
        content.insert("schema".to_owned(), schema);
        if let Some(example) = examples::request(binding.method.path) {
            content.insert("example".to_owned(), example);
        }
        Some(json!({"required": is_required, "content": {"application/json": content}}))
    }

    fn responses(&self, binding: &Binding, policy: &MethodPolicy) -> Value {
        let status = if policy.created { "201" } else { "200" };
        let message = json!({"$ref": reference(binding.method.output.full_name)});
        let success = if binding.stream.is_some() {
            json!({
                "description": "Events. An `error` event, whose data is an error, ends a \
                                stream that failed.",
                "content": {"text/event-stream": {"schema": event(&message)}},
            })
        } else if let Some(text) = binding.method.text {
            let content = json!({text.content_type: {"schema": {"type": "string"}}});
            json!({"description": "Success.", "content": content})
        } else {
            let mut content = Map::new();
            let envelope = json!({
                "type": "object",
                "required": ["success"],
                "properties": {"success": {"const": true}},
            });
            content.insert("schema".to_owned(), json!({"allOf": [envelope, message]}));
            if let Some(example) = examples::response(binding.method.path) {
                content.insert("example".to_owned(), example);
            }
            json!({"description": "Success.", "content": {"application/json": content}})
        };
        let mut responses = Map::new();
        responses.insert(status.to_owned(), success);
        for (status, meaning) in refusals(binding, policy) {
            responses.insert(status.to_owned(), error(meaning));
        }
        responses.insert(
            "default".to_owned(),
            json!({"$ref": "#/components/responses/Error"}),
        );
        Value::Object(responses)
    }
}

/// The refusals that a method is known to give.
fn refusals(binding: &Binding, policy: &MethodPolicy) -> Vec<(&'static str, &'static str)> {
    let mut refusals = vec![("400", "The request is not valid, or not possible now.")];
    if !matches!(policy.access, Access::Webhook) {
        refusals.push(("401", "The access token is missing or not valid."));
    }
    if !matches!(policy.access, Access::Public | Access::Webhook) {
        refusals.push(("403", "The caller may not do this."));
    }
    if !binding.variables.is_empty() {
        refusals.push((
            "404",
            "There is no such thing, or the caller may not know of it.",
        ));
    }
    if policy.idempotency == Idempotency::Keyed {
        refusals.push(("409", "The state or another call stands in the way."));
    }
    if binding.max_bytes.is_some() {
        refusals.push(("411", "The length of the body is not told."));
    }
    if !matches!(binding.body, BodyPlan::None) {
        refusals.push(("413", "The body is too large."));
    }
    if !matches!(binding.body, BodyPlan::None | BodyPlan::Raw { .. }) {
        refusals.push(("415", "The body is not JSON."));
    }
    if policy.rate != Rate::Unlimited {
        refusals.push((
            "429",
            "Too many calls; `Retry-After` says when to try again.",
        ));
    }
    refusals
}

fn error(meaning: &str) -> Value {
    json!({
        "description": meaning,
        "content": {"application/json": {"schema": {"$ref": ERROR_SCHEMA}}},
    })
}

/// One event of a stream.
fn event(message: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["id", "data"],
        "properties": {
            "id": {"type": "string", "description": "The resume token."},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": message,
            },
        },
    })
}

/// Who may call: a token is needed, useful, or not looked at.
fn security(policy: &MethodPolicy) -> Value {
    match policy.access {
        Access::SignedIn | Access::Role => json!([{"bearer": []}]),
        Access::Public | Access::Development | Access::Network => json!([{}, {"bearer": []}]),
        Access::Webhook | Access::Internal => json!([]),
    }
}
