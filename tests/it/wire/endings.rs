//! How streams end, alike on both wires: with a token to go on by.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use souk::pb::souk::auth::v1::LogoutRequest;
use souk::pb::souk::orders::v1::order_event::Type;
use souk::pb::souk::orders::v1::{WatchMyOrdersRequest, WatchMyOrdersResponse};
use tonic::{Status, Streaming};
use tonic_types::StatusExt;

use crate::support::{Client, TestApp, reason};

const MINE: &str = "/api/stream/orders";
const PATIENCE: Duration = Duration::from_secs(10);

async fn watch(by: &Client, resume_token: Option<String>) -> Streaming<WatchMyOrdersResponse> {
    let request = WatchMyOrdersRequest { resume_token };
    let stream = by.orders().watch_my_orders(request).await;
    stream.unwrap().into_inner()
}

/// Reads to the end: the last message, and the refusal if there is one.
async fn read(
    mut stream: Streaming<WatchMyOrdersResponse>,
) -> (WatchMyOrdersResponse, Result<(), Status>) {
    let mut last = None;
    let end = async {
        loop {
            match stream.message().await {
                Ok(Some(message)) => last = Some(message),
                Ok(None) => return Ok(()),
                Err(status) => return Err(status),
            }
        }
    };
    let end = tokio::time::timeout(PATIENCE, end).await.expect("an end");
    (last.expect("a message before the end"), end)
}

async fn watch_sse(app: &TestApp, by: &Client) -> Response {
    let answer = app.ask(Method::GET, MINE, by.token.as_deref(), &[], None);
    let answer = answer.await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer
}

/// The events of a stream by SSE, each as its lines, once it has ended.
async fn read_sse(answer: Response) -> Vec<String> {
    let text = tokio::time::timeout(PATIENCE, answer.text()).await;
    let text = text.expect("an end").unwrap();
    text.trim_end().split("\n\n").map(str::to_owned).collect()
}

#[tokio::test]
async fn an_old_stream_ends_with_a_token() {
    let app = TestApp::adjusted(&[], |parts| {
        parts.events.max_age = Duration::from_millis(200);
    })
    .await;
    let user = app.customer().await;
    let (stream, sse) = tokio::join!(watch(&user, None), watch_sse(&app, &user));
    let ((last, end), events) = tokio::join!(read(stream), read_sse(sse));
    end.unwrap();
    assert_eq!(last.r#type(), Type::Heartbeat);
    let event = events.last().unwrap();
    let (id, data) = event.split_once("\ndata: ").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["type"], "HEARTBEAT");
    assert_eq!(id, format!("id: {}", data["resumeToken"].as_str().unwrap()));
    // Either token goes on by either wire, without another snapshot.
    for token in [&last.resume_token, id.trim_start_matches("id: ")] {
        let (last, end) = read(watch(&user, Some(token.to_owned())).await).await;
        end.unwrap();
        assert_eq!(last.r#type(), Type::Heartbeat);
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_says_so() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    let (stream, sse) = tokio::join!(watch(&user, None), watch_sse(&app, &user));
    user.auth().logout(LogoutRequest {}).await.unwrap();
    let ((_, end), events) = tokio::join!(read(stream), read_sse(sse));
    let end = end.unwrap_err();
    assert_eq!(reason(&end), "SESSION_REVOKED");
    let info = end.get_details_error_info().unwrap();
    assert!(!info.metadata["resumeToken"].is_empty());
    let last = events.last().unwrap();
    let data = last.strip_prefix("event: error\ndata: ").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["code"], "SESSION_REVOKED", "{data}");
}
