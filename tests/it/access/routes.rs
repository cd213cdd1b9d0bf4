//! The same over HTTP: every binding of every RPC, the additional ones too, refuses as
//! gRPC does, and lets in whom gRPC lets in.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost_reflect::DescriptorPool;
use reqwest::{Method, Response};
use serde_json::Value;
use souk::pb::routes::{Body, ROUTES, Route};
use tonic::Code;

use super::market::{Market, told};
use super::matrix::{Who, rows};
use super::{assert_nothing, input, is_read, pool};
use crate::support::raw::method;

/// A request that is ready to be sent.
pub struct Ready {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
}

/// The row's request in the form of one of its bindings.
pub fn bind(pool: &DescriptorPool, route: &Route, rpc: &str, request: &str) -> Ready {
    let mut request: Value = serde_json::from_str(request).unwrap();
    let message = input(pool, rpc);
    let json_name = |name: &str| {
        let field = message.get_field_by_name(name).unwrap();
        field.json_name().to_owned()
    };
    let whole = request.clone();
    let members = request.as_object_mut().unwrap();
    let segments = route.pattern.split('/').map(|segment| {
        let name = segment
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}'));
        let Some(name) = name else {
            return segment.to_owned();
        };
        let value = members.remove(&json_name(name)).unwrap();
        utf8_percent_encode(value.as_str().unwrap(), NON_ALPHANUMERIC).to_string()
    });
    let mut path = segments.collect::<Vec<_>>().join("/");
    let body = match route.body {
        Body::None => None,
        // Whatever the bytes, the caller is judged first, then the signature.
        Body::Whole | Body::Raw(_) => Some(whole),
        Body::Field(name) => members.remove(&json_name(name)),
    };
    if body.is_none() || matches!(route.body, Body::Field(_)) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in members.iter() {
            let text = value.as_str().map(str::to_owned);
            query.append_pair(name, &text.unwrap_or_else(|| value.to_string()));
        }
        let query = query.finish();
        if !query.is_empty() {
            path = format!("{path}?{query}");
        }
    }
    Ready {
        method: route.method.parse().unwrap(),
        path,
        body,
    }
}

/// The bindings of an RPC.
pub fn of(rpc: &str) -> impl Iterator<Item = &'static Route> {
    let path = method(rpc).path;
    ROUTES.iter().filter(move |route| route.grpc_path == path)
}

impl Market {
    /// Sends a request as one of the cast.
    pub async fn send(&self, who: Who, ready: &Ready) -> Response {
        let token = self.person(who).token.as_deref();
        let body = ready.body.clone();
        let sent = self
            .app
            .ask(ready.method.clone(), &ready.path, token, &[], body);
        sent.await
    }
}

const fn status_of(code: Code) -> u16 {
    match code {
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        _ => 404,
    }
}

#[tokio::test]
async fn every_binding_refuses_as_grpc_does() {
    let (market, pool) = (Market::open().await, pool());
    let mut before = market.rows().await;
    let mut wrong = Vec::new();
    for row in rows() {
        let strangers = [Who::Guest, Who::Stranger, Who::Rival];
        let barred = [Who::Expired, Who::Suspended];
        let refused = row.refused().filter(|who| strangers.contains(who));
        for who in refused.chain(barred) {
            let request = market.request(row, who);
            let refused = market.person(who).call(row.rpc, &request).await;
            let (code, reason, message) = told(&refused.unwrap_err());
            for route in of(row.rpc) {
                let answer = market
                    .send(who, &bind(&pool, route, row.rpc, &request))
                    .await;
                let status = answer.status().as_u16();
                let body: Value = answer.json().await.unwrap_or_default();
                let same = status == status_of(code)
                    && body["success"] == false
                    && body["code"] == reason.as_str()
                    && body["message"] == message.as_str();
                let named = format!("{} {} by {who:?}", route.method, route.pattern);
                if !same {
                    wrong.push(format!("{named}: {status} {body} instead of {reason}"));
                }
                let changes = market.changes(&mut before).await;
                wrong.extend(changes.map(|it| format!("{named}: {it}")));
            }
        }
    }
    market.close().await;
    assert_nothing(&wrong);
}

#[tokio::test]
async fn every_binding_of_a_read_lets_in_whom_grpc_lets_in() {
    let (market, pool) = (Market::open().await, pool());
    let before = market.rows().await;
    let mut wrong = Vec::new();
    for row in rows().filter(|row| is_read(row.rpc)) {
        let who = row.allowed[0];
        let request = market.request(row, who);
        for route in of(row.rpc) {
            let answer = market
                .send(who, &bind(&pool, route, row.rpc, &request))
                .await;
            if answer.status() != 200 {
                let named = format!("{} {} by {who:?}", route.method, route.pattern);
                wrong.push(format!("{named}: {:?}", answer.text().await));
            }
        }
    }
    assert_eq!(market.rows().await, before, "a read changes nothing");
    market.close().await;
    assert_nothing(&wrong);
}
