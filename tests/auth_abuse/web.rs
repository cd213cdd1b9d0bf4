//! A client of the JSON edge that comes from another address with every call.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::rig::{DEV_CODE, Souk};

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub took: Duration,
}

impl Answer {
    /// The reason of a refusal.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The whole answer but for the id of the call.
    pub fn without_ids(&self) -> String {
        let mut body = self.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("requestId");
        }
        format!("{} {body}", self.status)
    }

    /// A text of the answer, by its JSON pointer.
    pub fn text(&self, path: &str) -> String {
        let value = self.body.pointer(path).and_then(Value::as_str);
        value
            .unwrap_or_else(|| panic!("no {path} in {}", self.body))
            .to_owned()
    }
}

/// The two tokens of a sign-in.
#[derive(Debug, Clone)]
pub struct Pair {
    pub access: String,
    pub refresh: String,
}

/// The client.
pub struct Web {
    url: String,
    http: reqwest::Client,
    calls: AtomicU32,
}

impl Web {
    pub fn of(souk: &Souk) -> Self {
        Self {
            url: souk.url(),
            http: reqwest::Client::new(),
            calls: AtomicU32::new(0),
        }
    }

    /// Posts JSON as a guest.
    pub async fn send(&self, path: &str, body: Value) -> Answer {
        self.ask(self.http.post(self.path(path)).json(&body)).await
    }

    /// Posts JSON with an access token.
    pub async fn send_as(&self, access: &str, path: &str, body: Value) -> Answer {
        let request = self.http.post(self.path(path)).json(&body);
        self.ask(request.bearer_auth(access)).await
    }

    /// Whether an access token is good.
    pub async fn knows(&self, access: &str) -> bool {
        let request = self.http.get(self.path("/user/me"));
        let answer = self.ask(request.bearer_auth(access)).await;
        assert!([200, 401].contains(&answer.status), "{answer:?}");
        answer.status == 200
    }

    /// Opens a stream and gives it once it has begun.
    pub async fn stream(&self, access: &str, path: &str) -> reqwest::Response {
        let request = self.http.get(self.path(path)).bearer_auth(access);
        let stream = request.header("accept", "text/event-stream").send().await;
        let stream = stream.unwrap();
        assert_eq!(stream.status(), 200);
        stream
    }

    /// Signs a phone in.
    pub async fn sign_in(&self, phone: &str) -> Pair {
        let sent = self.send("/otp/send", json!({"phone": phone})).await;
        assert_eq!(sent.status, 200, "{}", sent.body);
        let proof = json!({"phone": phone, "otp": DEV_CODE});
        let entered = self.send("/otp/verify", proof).await;
        Pair {
            access: entered.text("/accessToken"),
            refresh: entered.text("/refreshToken"),
        }
    }

    /// Exchanges a refresh token.
    pub async fn refresh(&self, refresh: &str) -> Answer {
        let body = json!({"refreshToken": refresh});
        self.send("/api/auth/refresh-token", body).await
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Answer {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let address = Ipv4Addr::from(0xCB00_0000 + call);
        let request = request.header("x-forwarded-for", address.to_string());
        let began = Instant::now();
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        let took = began.elapsed();
        Answer {
            status,
            body: serde_json::from_slice(&bytes).unwrap(),
            took,
        }
    }
}
