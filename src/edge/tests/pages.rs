//! The OpenAPI document and the page that shows it.

use std::collections::BTreeSet;

use super::super::openapi::examples::EXAMPLES;
use super::*;
use crate::pb::methods;
use crate::pb::policy::{self, Access, Idempotency};
use crate::pb::routes::ROUTES;

async fn document() -> Value {
    let reply = send(get("/openapi.json")).await;
    assert_eq!(reply.status, 200);
    reply.json()
}

/// The operation of a route, by its place in the document.
fn operation<'d>(document: &'d Value, method: &str, path: &str) -> &'d Value {
    let operation = &document["paths"][path][method];
    assert!(operation.is_object(), "{method} {path}");
    operation
}

#[tokio::test]
async fn every_route_is_in_the_document_once() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for operations in document["paths"].as_object().expect("paths").values() {
        for operation in operations.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            assert!(!operation["description"].as_str().expect("text").is_empty());
            assert!(ids.insert(id));
            count += 1;
        }
    }
    assert_eq!(count, ROUTES.len());
}

#[tokio::test]
async fn the_document_shows_the_policy() {
    let document = document().await;
    for (route, operation) in ROUTES.iter().filter(|route| route.primary).map(|route| {
        let operations = document["paths"].as_object().expect("paths").values();
        let operation = operations
            .flat_map(|operations| operations.as_object().expect("operations").values())
            .find(|operation| operation["x-grpc-method"] == route.grpc_path[1..]);
        (route, operation.expect(route.grpc_path))
    }) {
        let policy = policy::policy(route.grpc_path).expect("a policy");
        let needs_token = operation["security"] == serde_json::json!([{"bearer": []}]);
        assert_eq!(
            needs_token,
            matches!(policy.access, Access::SignedIn | Access::Role),
            "{}",
            route.grpc_path
        );
        assert_eq!(
            operation["x-roles"].is_array(),
            policy.access == Access::Role,
            "{}",
            route.grpc_path
        );
        let has_key = operation.to_string().contains("Idempotency-Key");
        assert_eq!(
            has_key,
            policy.idempotency == Idempotency::Keyed,
            "{}",
            route.grpc_path
        );
        let success = if policy.created { "201" } else { "200" };
        assert!(operation["responses"][success].is_object());
        let content = &operation["responses"][success]["content"];
        assert_eq!(
            content["text/event-stream"].is_object(),
            policy.server_streaming
        );
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value) {
                        ("$ref", Value::String(target)) => {
                            found.insert(target.clone());
                        }
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for target in found {
        let pointer = target.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
}

#[tokio::test]
async fn rules_comments_and_words_become_schema() {
    let document = document().await;
    let place = operation(&document, "post", "/api/orders");
    assert_eq!(place["summary"], "Places an order");
    let schemas = &document["components"]["schemas"];
    let request = &schemas["orders.PlaceOrderRequest"];
    assert_eq!(request["additionalProperties"], false);
    assert_eq!(request["properties"]["items"]["maxItems"], 100);
    assert_eq!(request["properties"]["currency"]["pattern"], "^[A-Z]{3}$");
    assert_eq!(
        schemas["orders.OrderLine"]["properties"]["quantity"]["minimum"],
        1
    );
    let otp = &schemas["auth.VerifyOtpRequest"];
    assert_eq!(otp["required"], serde_json::json!(["phone", "otp"]));
    let status = &schemas["orders.Order.Status"];
    assert!(
        status["description"]
            .as_str()
            .expect("text")
            .contains("Also accepted: preparing.")
    );
    let name = &schemas["users.User"]["properties"]["name"];
    assert_eq!(name["type"], serde_json::json!(["string", "null"]));
    let cancel = operation(&document, "post", "/api/orders/{id}/cancel");
    let body = &cancel["requestBody"]["content"]["application/json"]["schema"];
    assert!(body["properties"]["id"].is_null());
    let nearby = operation(&document, "get", "/api/stores/nearby");
    let latitude = &nearby["parameters"][0];
    assert_eq!(latitude["required"], true);
    assert_eq!(latitude["schema"]["maximum"], 90);
}

#[test]
fn examples_fit_the_contract() {
    for example in EXAMPLES {
        let method = methods::method(example.method).expect(example.method);
        if !example.request.is_empty() {
            (method.input.decode)(example.request.as_bytes()).expect(example.method);
        }
        if !example.response.is_empty() {
            let mut answer: Value = serde_json::from_str(example.response).expect(example.method);
            let success = answer.as_object_mut().expect("an object").remove("success");
            assert_eq!(success, Some(Value::Bool(true)));
            (method.output.decode_value)(answer).expect(example.method);
        }
    }
}

#[tokio::test]
async fn the_document_is_sent_again_only_when_it_changed() {
    let first = send(get("/openapi.json")).await;
    let mut request = get("/openapi.json");
    request
        .headers_mut()
        .insert("if-none-match", first.headers["etag"].clone());
    let second = send(request).await;
    assert_eq!(second.status, 304);
    assert_eq!(second.text, "");
    assert_eq!(second.headers["etag"], first.headers["etag"]);
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let page = send(get("/api/docs")).await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("http"), "{}", page.text);
    let policy = page.headers["content-security-policy"]
        .to_str()
        .expect("text");
    assert!(policy.contains("script-src 'self';"));
    let linked: Vec<&str> = page
        .text
        .split('"')
        .filter(|part| part.starts_with("/api/docs/") && !part.ends_with(".png"))
        .collect();
    assert_eq!(linked.len(), 3);
    for link in linked {
        let file = send(get(link)).await;
        assert_eq!(file.status, 200, "{link}");
        assert!(!file.text.is_empty());
    }
    assert_eq!(send(get("/api/docs/")).await.status, 200);
    assert_eq!(send(get("/api/docs/nothing.js")).await.status, 404);
    assert_eq!(send(post("/api/docs", "")).await.status, 405);
    let moved = send(get("/api-docs")).await;
    assert_eq!(moved.status, 302);
    assert_eq!(moved.headers["location"], "/api/docs");
}
