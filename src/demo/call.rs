//! One call of the demo: made over HTTP, shown with its curl and `buf curl` twins.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::clients::http;
use crate::pb::routes::{Body, ROUTES, Route};

/// Calls the server as any client would.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
}

/// A call, before it is made.
pub(super) struct Call {
    /// What it is for, in a few words.
    title: &'static str,
    /// `OrderService/PlaceOrder`.
    rpc: &'static str,
    /// The request message as JSON.
    message: Value,
    token: Option<String>,
    key: Option<String>,
}

impl Call {
    pub(super) fn new(title: &'static str, rpc: &'static str, message: Value) -> Self {
        Self {
            title,
            rpc,
            message,
            token: None,
            key: None,
        }
    }

    /// Sends an access token.
    pub(super) fn by(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Sends an idempotency key.
    pub(super) fn once(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

impl Client {
    pub(super) fn new(base: String) -> Result<Self> {
        Ok(Self {
            http: http::to_own_port()?,
            base,
        })
    }

    /// For what is not a single call.
    pub(super) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Makes a call that must succeed, and prints it with its twins and its answer.
    pub(super) async fn show(&self, call: Call) -> Result<Value> {
        let route = route(call.rpc)?;
        let (path, body) = self.bind(route, &call.message);
        println!("\n\u{1b}[1m── {}\u{1b}[0m", call.title);
        println!("{}", self.curl(route, &path, body.as_ref(), &call));
        println!("{}", self.buf_curl(route, &call));
        let answer = self.send(route, &path, body, &call).await?;
        println!("{}", serde_json::to_string_pretty(&answer)?);
        if answer["success"] != true {
            bail!("refused: {}", call.title);
        }
        Ok(answer)
    }

    /// Makes a call that must succeed, and prints nothing.
    pub(super) async fn quiet(&self, call: Call) -> Result<Value> {
        let route = route(call.rpc)?;
        let (path, body) = self.bind(route, &call.message);
        let answer = self.send(route, &path, body, &call).await?;
        if answer["success"] != true {
            bail!("{}: {answer}", call.title);
        }
        Ok(answer)
    }

    /// The address of an RPC that answers a stream of server-sent events.
    pub(super) fn url(&self, rpc: &str, message: &Value) -> Result<String> {
        let (path, _) = self.bind(route(rpc)?, message);
        Ok(format!("{}{path}", self.base))
    }

    async fn send(
        &self,
        route: &Route,
        path: &str,
        body: Option<Value>,
        call: &Call,
    ) -> Result<Value> {
        let method = route.method.parse::<reqwest::Method>()?;
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &call.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        request
            .send()
            .await?
            .json()
            .await
            .with_context(|| format!("{} gave no JSON", call.rpc))
    }

    /// The path with its variables and query, and the body of what remains.
    fn bind(&self, route: &Route, message: &Value) -> (String, Option<Value>) {
        let mut rest: Map<String, Value> = message.as_object().cloned().unwrap_or_default();
        let mut path = route
            .pattern
            .split('/')
            .map(|part| {
                match part
                    .strip_prefix('{')
                    .and_then(|part| part.strip_suffix('}'))
                {
                    Some(name) => text(&rest.remove(&lower_camel(name)).unwrap_or_default()),
                    None => part.to_owned(),
                }
            })
            .collect::<Vec<_>>()
            .join("/");
        match route.body {
            Body::Whole | Body::Raw(_) => (path, Some(Value::Object(rest))),
            Body::Field(field) => {
                let body = rest.remove(&lower_camel(field)).unwrap_or_default();
                (path, Some(body))
            }
            Body::None => {
                let query: form_urlencoded::Serializer<'_, String> =
                    form_urlencoded::Serializer::new(String::new());
                let query = rest
                    .iter()
                    .fold(query, |mut query, (name, value)| {
                        query.append_pair(name, &text(value));
                        query
                    })
                    .finish();
                if !query.is_empty() {
                    path.push('?');
                    path.push_str(&query);
                }
                (path, None)
            }
        }
    }

    fn curl(&self, route: &Route, path: &str, body: Option<&Value>, call: &Call) -> String {
        let mut line = String::from("curl -s");
        if route.method != "GET" {
            line.push_str(" -X ");
            line.push_str(route.method);
        }
        for header in headers(call) {
            line.push_str(&format!(" -H '{header}'"));
        }
        line.push_str(&format!(" '{}{path}'", self.base));
        if let Some(body) = body {
            line.push_str(&format!(
                " -H 'content-type: application/json' -d {}",
                quoted(body)
            ));
        }
        line
    }

    fn buf_curl(&self, route: &Route, call: &Call) -> String {
        let mut line = String::from("buf curl --protocol grpc --http2-prior-knowledge");
        for header in headers(call) {
            line.push_str(&format!(" -H '{header}'"));
        }
        line.push_str(&format!(
            " -d {} {}{}",
            quoted(&call.message),
            self.base,
            route.grpc_path
        ));
        line
    }
}

fn route(rpc: &str) -> Result<&'static Route> {
    ROUTES
        .iter()
        .find(|route| route.primary && route.grpc_path.ends_with(&format!(".{rpc}")))
        .with_context(|| format!("the contract has no {rpc}"))
}

fn headers(call: &Call) -> Vec<String> {
    let token = call
        .token
        .iter()
        .map(|token| format!("authorization: Bearer {token}"));
    let key = call.key.iter().map(|key| format!("idempotency-key: {key}"));
    token.chain(key).collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A JSON value as one word of a POSIX shell.
fn quoted(value: &Value) -> String {
    format!("'{}'", value.to_string().replace('\'', r"'\''"))
}

fn lower_camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut out, word| {
        let mut letters = word.chars();
        out.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        out.push_str(letters.as_str());
        out
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_go_to_the_path_and_the_rest_to_query_or_body() {
        let client = Client::new("http://h".into()).unwrap();
        let bound = |rpc: &str, message: Value| client.bind(route(rpc).unwrap(), &message);
        assert_eq!(
            bound(
                "OrderService/CancelOrder",
                json!({"id": "ord_1", "reason": "late"})
            ),
            (
                "/api/orders/ord_1/cancel".into(),
                Some(json!({"reason": "late"}))
            )
        );
        let (path, body) = bound(
            "CatalogService/ListProducts",
            json!({"storeId": "store_1", "limit": 3}),
        );
        assert_eq!(
            (path.as_str(), body),
            ("/api/products?limit=3&storeId=store_1", None)
        );
    }

    #[test]
    fn a_shell_word_survives_an_apostrophe() {
        assert_eq!(quoted(&json!("l'huile")), r#"'"l'\''huile"'"#);
    }
}
