//! JSON over HTTP, as curl would send it.

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use super::TestApp;

/// A JSON answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    /// The body to the letter.
    pub text: String,
}

impl TestApp {
    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.http(Method::GET, path, token, &[], None).await
    }

    pub async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.http(Method::POST, path, token, &[], Some(body)).await
    }

    pub async fn http(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        answer(self.ask(method, path, token, headers, body).await).await
    }

    /// Posts bytes as they are, with headers of any content.
    pub async fn post_raw(&self, path: &str, headers: &[(&str, &[u8])], body: Vec<u8>) -> Answer {
        let mut request = self.http.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.body(body).send().await.unwrap()).await
    }

    /// Sends a request and waits for no more than the head of its answer.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }
}

async fn answer(response: Response) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
    Answer {
        status,
        headers,
        body,
        text,
    }
}
