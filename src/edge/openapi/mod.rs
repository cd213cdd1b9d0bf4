//! The OpenAPI 3.1 document, made from the same tables that requests are answered by:
//! what it says is what the edge does.

mod comments;
pub mod examples;
mod operation;
mod rules;
mod schema;

use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use self::comments::Comments;
use self::operation::Operations;
use self::schema::Schemas;
use super::binding::Binding;
use crate::pb::routes::ROUTES;

/// What every error looks like, by its place in the document.
const ERROR_SCHEMA: &str = "#/components/schemas/Error";

/// The document as JSON text. `bindings` are those of every route, in the table's order.
pub fn document(pool: &DescriptorPool, bindings: &[Binding]) -> Vec<u8> {
    let comments = Comments::of(pool);
    let schemas = Schemas::new(pool, &comments, bindings);
    let mut operations = Operations::new(pool, &comments, &schemas);
    let mut paths = Map::new();
    for (route, binding) in ROUTES.iter().zip(bindings) {
        let Some(operation) = operations.operation(route, binding) else {
            continue;
        };
        let path = paths
            .entry(operation::path(route, binding))
            .or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation;
    }
    let mut components = schemas.all();
    components.insert("Error".to_owned(), error_schema());
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "souk",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": operations.tags(),
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token that signing in gives.",
                },
            },
            "responses": {
                "Error": {
                    "description": "A refusal or failure.",
                    "content": {"application/json": {"schema": {"$ref": ERROR_SCHEMA}}},
                },
            },
        },
    });
    // A tree of strings and numbers always has a JSON form.
    serde_json::to_vec(&document).unwrap_or_default()
}

const INTRODUCTION: &str = "A marketplace. Every method here is also a gRPC and gRPC-Web \
method on the same port.\n\nAnswers carry `\"success\": true` and the fields shown; \
refusals carry `\"success\": false` and a `code` that programs may depend on. Field \
names and the words of enums are accepted in camelCase and snake_case, and in any case, \
respectively. Whole numbers of 64 bits are written as strings and accepted as both.\n\n\
A write that carries an `Idempotency-Key` header takes effect at most once, however \
often it is sent. Streams answer `text/event-stream`: an EventSource resumes by itself.";

fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "A refusal or failure.",
        "required": ["success", "code", "message", "errors", "metadata", "requestId"],
        "properties": {
            "success": {"const": false},
            "code": {"$ref": schema::reference("souk.common.v1.ErrorReason")},
            "message": {"type": "string", "description": "A sentence for people."},
            "errors": {
                "type": "array",
                "description": "The fields at fault.",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {
                        "field": {
                            "type": "string",
                            "description": "The path of the field, such as `items[0].quantity`.",
                        },
                        "message": {
                            "type": "string",
                            "description": "What is wrong, to follow the field's name.",
                        },
                    },
                },
            },
            "metadata": {
                "type": "object",
                "description": "Facts for programs, such as the allowed maximum.",
                "additionalProperties": {"type": "string"},
            },
            "requestId": {"type": "string", "description": "Names this call in a report."},
        },
    })
}
