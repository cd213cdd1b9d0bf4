//! A Clerk of the test's own: a real HTTP server with a list of keys, a Backend API and
//! signed webhooks, which can fail in many ways.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::Sha256;
use souk::kernel::Time;
use tokio::net::TcpListener;

use super::TestApp;
use super::app::START;
use super::http::Answer;
use super::keys::{Pem, changed, jwk, rsa, signed};

/// Opens the Backend API.
pub const SECRET_KEY: &str = "sk_test_of_the_tests";
/// Signs webhooks.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Signs webhooks when the other one is replaced.
pub const NEXT_WEBHOOK_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// The page that its tokens are made for.
pub const PARTY: &str = "https://souk.example.dz";

/// How the list of keys is answered.
#[derive(Debug, Clone, Default)]
pub enum Keys {
    /// The list, as it should be.
    #[default]
    Well,
    /// Status 500.
    Down,
    /// Nothing for a long time.
    Silent,
    /// Whatever this is.
    Body(String),
    /// The list is elsewhere.
    Elsewhere(String),
}

#[derive(Default)]
struct State {
    keys: Vec<Value>,
    answer: Keys,
    key_fetches: usize,
    people: BTreeMap<String, Value>,
    people_down: bool,
    person_fetches: Vec<String>,
    published: Vec<(String, Value)>,
}

/// The server.
#[derive(Clone)]
pub struct FakeClerk {
    /// Its address, which is also the `iss` of its tokens.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl FakeClerk {
    /// A Clerk that signs with the first key of the tests, under the name `ins_1`.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state: Arc<Mutex<State>> = Arc::default();
        state.lock().unwrap().keys = vec![jwk(rsa(0), "ins_1")];
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                let serve = service_fn(move |request| answer(state.clone(), request));
                tokio::spawn(async move {
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection
                        .serve_connection(TokioIo::new(stream), serve)
                        .await;
                });
            }
        });
        Self { url, state }
    }

    /// A server that believes this Clerk.
    pub async fn app(&self) -> TestApp {
        self.app_with(&[]).await
    }

    /// A server that believes this Clerk, with some settings of its own; an empty one is
    /// left out.
    pub async fn app_with(&self, settings: &[(&str, &str)]) -> TestApp {
        let mut all = vec![
            ("CLERK_ISSUER", self.url.as_str()),
            ("CLERK_API_URL", self.url.as_str()),
            ("CLERK_SECRET_KEY", SECRET_KEY),
            ("CLERK_WEBHOOK_SECRET", WEBHOOK_SECRET),
            ("CLERK_AUTHORIZED_PARTIES", PARTY),
        ];
        all.retain(|(name, _)| settings.iter().all(|(other, _)| other != name));
        all.extend(settings.iter().filter(|(_, value)| !value.is_empty()));
        TestApp::with(&all).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers for the list of keys like this from now on.
    pub fn answer_keys(&self, answer: Keys) {
        self.state().answer = answer;
    }

    /// Publishes these keys and no others.
    pub fn publish_keys(&self, keys: &[(&Pem, &str)]) {
        self.state().keys = keys.iter().map(|(pem, kid)| jwk(pem, kid)).collect();
    }

    /// How often the list of keys was asked for.
    pub fn key_fetches(&self) -> usize {
        self.state().key_fetches
    }

    /// Makes a person known to the Backend API.
    pub fn add(&self, person: &Value) {
        let id = person["id"].as_str().unwrap().to_owned();
        self.state().people.insert(id, person.clone());
    }

    /// Lets the Backend API fail or work.
    pub fn people_down(&self, down: bool) {
        self.state().people_down = down;
    }

    /// Whom the Backend API was asked for.
    pub fn person_fetches(&self) -> Vec<String> {
        self.state().person_fetches.clone()
    }

    /// The metadata that it was told.
    pub fn published(&self) -> Vec<(String, Value)> {
        self.state().published.clone()
    }

    /// The claims of a session token that was made at `at`.
    pub fn claims(&self, subject: &str, session: &str, at: Time) -> Value {
        let at = at.seconds();
        json!({
            "azp": PARTY, "exp": at + 60, "fva": [0, -1], "iat": at, "iss": self.url,
            "jti": "5fc3a1b2c4d5e6f7a8b9", "nbf": at - 10, "sid": session, "sts": "active",
            "sub": subject, "v": 2,
        })
    }

    /// A session token of now, which the clock of a test makes early.
    pub fn token(&self, subject: &str, session: &str) -> String {
        self.token_at(subject, session, START)
    }

    /// A session token that was made at `at`.
    pub fn token_at(&self, subject: &str, session: &str, at: Time) -> String {
        signed(&header("ins_1"), &self.claims(subject, session, at), rsa(0))
    }

    /// A session token with other claims; null takes one away.
    pub fn token_with(&self, subject: &str, session: &str, changes: Value) -> String {
        let claims = changed(self.claims(subject, session, START), changes);
        signed(&header("ins_1"), &claims, rsa(0))
    }
}

/// The header of Clerk's tokens.
pub fn header(kid: &str) -> Value {
    json!({"alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": kid, "typ": "JWT"})
}

/// A person as Clerk's API and webhooks show one.
pub fn person(id: &str, email: &str, verified: bool, updated_at_ms: i64) -> Value {
    let status = if verified { "verified" } else { "unverified" };
    json!({
        "id": id, "object": "user", "first_name": "Amina", "last_name": "Benali",
        "image_url": "https://img.clerk.com/amina", "has_image": true,
        "primary_email_address_id": "idn_1", "primary_phone_number_id": null,
        "email_addresses": [{
            "id": "idn_1", "object": "email_address", "email_address": email,
            "verification": {"status": status, "strategy": "email_code"},
        }],
        "phone_numbers": [], "public_metadata": {}, "created_at": updated_at_ms,
        "updated_at": updated_at_ms,
    })
}

/// A webhook message about a person.
pub fn event(kind: &str, data: Value) -> Vec<u8> {
    let event = json!({
        "data": data, "event_attributes": {}, "instance_id": "ins_1", "object": "event",
        "timestamp": 1_768_899_600_000_i64, "type": kind,
    });
    serde_json::to_vec_pretty(&event).unwrap()
}

/// The signature of a message, `v1,…`.
pub fn signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Sends a message as Clerk does, now.
pub async fn deliver(app: &TestApp, id: &str, body: &[u8]) -> Answer {
    let timestamp = app.clock.now().seconds().to_string();
    let signature = signature(WEBHOOK_SECRET, id, &timestamp, body);
    let headers: [(&str, &[u8]); 4] = [
        ("content-type", b"application/json"),
        ("svix-id", id.as_bytes()),
        ("svix-timestamp", timestamp.as_bytes()),
        ("svix-signature", signature.as_bytes()),
    ];
    app.post_raw("/api/webhooks/clerk", &headers, body.to_vec())
        .await
}

type Reply = Result<Response<Full<Bytes>>, Infallible>;

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if path == "/.well-known/jwks.json" {
        let answer = {
            let mut state = state.lock().unwrap();
            state.key_fetches += 1;
            state.answer.clone()
        };
        return keys(&state, answer).await;
    }
    let authorization = parts.headers.get("authorization");
    if authorization.is_none_or(|value| *value != format!("Bearer {SECRET_KEY}")) {
        return reply(StatusCode::UNAUTHORIZED, json!({"errors": []}).to_string());
    }
    let body = body.collect().await.unwrap().to_bytes();
    let mut state = state.lock().unwrap();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let id = segments
        .get(2)
        .map(|id| id.replace("%5F", "_"))
        .unwrap_or_default();
    match (&parts.method, &segments[..]) {
        _ if state.people_down => reply(StatusCode::SERVICE_UNAVAILABLE, String::new()),
        (&Method::GET, ["v1", "users", _]) => {
            state.person_fetches.push(id.clone());
            match state.people.get(&id) {
                Some(person) => reply(StatusCode::OK, person.to_string()),
                None => reply(StatusCode::NOT_FOUND, json!({"errors": []}).to_string()),
            }
        }
        (&Method::PATCH, ["v1", "users", _, "metadata"]) => {
            let body = serde_json::from_slice(&body).unwrap();
            state.published.push((id, body));
            reply(StatusCode::OK, json!({}).to_string())
        }
        _ => reply(StatusCode::NOT_FOUND, String::new()),
    }
}

async fn keys(state: &Mutex<State>, answer: Keys) -> Reply {
    match answer {
        Keys::Well => {
            let keys = state.lock().unwrap().keys.clone();
            reply(StatusCode::OK, json!({"keys": keys}).to_string())
        }
        Keys::Down => reply(StatusCode::INTERNAL_SERVER_ERROR, "oops".to_owned()),
        Keys::Silent => std::future::pending().await,
        Keys::Body(body) => reply(StatusCode::OK, body),
        Keys::Elsewhere(url) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::FOUND;
            response
                .headers_mut()
                .insert("location", url.parse().unwrap());
            Ok(response)
        }
    }
}

fn reply(status: StatusCode, body: String) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    Ok(response)
}
