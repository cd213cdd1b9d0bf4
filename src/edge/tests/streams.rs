//! Server streams as events.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::*;
use crate::pb::souk::orders::v1::{WatchOrderRequest, WatchOrderResponse, order_event};

fn message(token: &str) -> WatchOrderResponse {
    WatchOrderResponse {
        resume_token: token.into(),
        r#type: order_event::Type::Heartbeat.into(),
        ..Default::default()
    }
}

fn two_messages() -> Response<Body> {
    let mut bytes = framed(&message("t1"));
    bytes.extend(framed(&message("t2")));
    // Cut where no frame ends.
    let rest = bytes.split_off(9);
    grpc(vec![bytes, rest], Status::ok(""))
}

#[tokio::test]
async fn a_message_is_an_event_with_its_token_as_id() {
    let reply = send_to(two_messages, get("/api/stream/orders/ord_1")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let events: Vec<&str> = reply.text.split_terminator("\n\n").collect();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0], "retry: 1000");
    for (event, token) in events[1..].iter().zip(["t1", "t2"]) {
        let (id, data) = event.split_once('\n').expect("two lines");
        assert_eq!(id, format!("id: {token}"));
        let data: Value =
            serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!(data["resumeToken"], token);
        assert_eq!(data["type"], "HEARTBEAT");
    }
}

#[tokio::test]
async fn the_last_event_id_resumes() {
    for (url, header, token) in [
        ("/api/stream/orders/ord_1", Some("h"), Some("h")),
        ("/api/stream/orders/ord_1?lastEventId=q", None, Some("q")),
        (
            "/api/stream/orders/ord_1?resumeToken=old",
            Some("h"),
            Some("h"),
        ),
        ("/api/stream/orders/ord_1?resumeToken=r", None, Some("r")),
        ("/api/stream/orders/ord_1?lastEventId=", None, None),
        ("/api/stream/orders/ord_1", None, None),
    ] {
        let mut request = get(url);
        if let Some(header) = header {
            request
                .headers_mut()
                .insert("last-event-id", HeaderValue::from_static(header));
        }
        let reply = send_to(two_messages, request).await;
        let seen: WatchOrderRequest = reply.seen();
        assert_eq!(seen.id, "ord_1");
        assert_eq!(seen.resume_token.as_deref(), token, "{url} {header:?}");
    }
    let reply = send(get("/api/orders?lastEventId=1")).await;
    assert_eq!(reply.errors(), ["lastEventId is not a known parameter"]);
}

#[tokio::test]
async fn a_refusal_before_the_stream_is_an_ordinary_error() {
    fn refused() -> Response<Body> {
        Status::not_found("no such order").into_http()
    }
    let reply = send_to(refused, get("/api/stream/orders/ord_1")).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["code"], "NOT_FOUND");
}

#[tokio::test]
async fn an_error_within_the_stream_is_its_last_event() {
    fn cut() -> Response<Body> {
        let details = ErrorDetails::with_error_info("STREAM_TOO_SLOW", "souk", []);
        let status = Status::with_error_details(Code::ResourceExhausted, "too slow", details);
        grpc(vec![framed(&message("t1"))], status)
    }
    let reply = send_to(cut, get("/api/stream/orders/ord_1")).await;
    assert_eq!(reply.status, 200);
    let last = reply.text.trim_end().rsplit("\n\n").next().expect("events");
    let data = last.strip_prefix("event: error\ndata: ").expect("an error");
    let data: Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(data["code"], "STREAM_TOO_SLOW");
    assert_eq!(data["success"], false);
}
