//! Bodies and headers that pass as they arrived.

use crate::pb::souk::auth::v1::HandleClerkWebhookRequest;

use super::*;

const PATH: &str = "/api/webhooks/clerk";

fn with_headers(body: impl Into<Bytes>, headers: &[(&'static str, &[u8])]) -> Request<Full<Bytes>> {
    let mut request = Request::post(PATH)
        .body(Full::new(body.into()))
        .expect("a request");
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).expect("a header");
        request.headers_mut().append(*name, value);
    }
    request
}

#[tokio::test]
async fn a_body_of_any_kind_passes_byte_for_byte() {
    for (body, kind) in [
        (&b"{\"a\": 1,\n \"a\":2 }\n"[..], Some("application/json")),
        (b"  ", Some("text/plain")),
        (b"", None),
        (b"not json", None),
        (
            b"\x1f\x8b\x08\x00\xff\xfe",
            Some("application/octet-stream"),
        ),
        (b"a=1", Some("application/x-www-form-urlencoded")),
    ] {
        let mut request = with_headers(body, &[]);
        if let Some(kind) = kind {
            let headers = request.headers_mut();
            headers.insert("content-type", HeaderValue::from_static(kind));
            headers.insert("content-encoding", HeaderValue::from_static("gzip"));
        }
        let reply = send(request).await;
        assert_eq!(reply.seen::<HandleClerkWebhookRequest>().body, body);
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test]
async fn headers_fill_their_fields_the_first_name_first() {
    let headers: [(&str, &[u8]); 4] = [
        ("webhook-id", b"msg_2"),
        ("svix-id", b"msg_1"),
        ("webhook-timestamp", b"17"),
        ("svix-signature", b"v1,a v1,b"),
    ];
    let seen: HandleClerkWebhookRequest = send(with_headers("{}", &headers)).await.seen();
    assert_eq!(seen.message_id, "msg_1");
    assert_eq!(seen.timestamp, "17");
    assert_eq!(seen.signature, "v1,a v1,b");
}

#[tokio::test]
async fn a_header_that_comes_twice_or_is_no_text_fills_nothing() {
    let headers: [(&str, &[u8]); 6] = [
        ("svix-id", b"msg_1"),
        ("svix-id", b"msg_2"),
        ("webhook-id", b"msg_3"),
        ("svix-timestamp", b"1\xff"),
        ("svix-signature", b"v1,a"),
        ("svix-signature", b"v1,a"),
    ];
    let seen: HandleClerkWebhookRequest = send(with_headers("{}", &headers)).await.seen();
    assert_eq!(
        (seen.message_id.as_str(), seen.timestamp.as_str()),
        ("", "")
    );
    assert_eq!(seen.signature, "");
}

#[tokio::test]
async fn the_query_says_nothing_and_the_size_is_limited() {
    let mut request = with_headers("{}", &[]);
    *request.uri_mut() = format!("{PATH}?messageId=msg_1&x=%ff")
        .parse()
        .expect("a path");
    let seen: HandleClerkWebhookRequest = send(request).await.seen();
    assert_eq!(seen.message_id, "");
    let most = vec![b' '; 256 * 1024];
    assert_eq!(send(with_headers(most.clone(), &[])).await.status, 200);
    let reply = send(with_headers([most, vec![b' ']].concat(), &[])).await;
    assert_eq!(reply.status, 413);
    assert!(reply.seen.is_none());
}

#[tokio::test]
async fn the_document_shows_any_body_and_every_header() {
    let document = send(get("/openapi.json")).await.json();
    let operation = &document["paths"][PATH]["post"];
    assert!(operation["requestBody"]["content"]["*/*"].is_object());
    assert!(operation["requestBody"]["content"]["application/json"].is_null());
    let names: Vec<_> = operation["parameters"]
        .as_array()
        .expect("parameters")
        .iter()
        .map(|parameter| (&parameter["in"], &parameter["name"]))
        .collect();
    assert_eq!(names.len(), 6);
    assert_eq!(names[0], (&Value::from("header"), &Value::from("svix-id")));
    assert!(operation["responses"]["415"].is_null());
}
