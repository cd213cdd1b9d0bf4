//! Bodies and headers that pass as they arrived.

use crate::pb::souk::auth::v1::HandleClerkWebhookRequest;
use crate::pb::souk::media::v1::UploadProductImageRequest;

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

const PICTURE: &str = "/api/products/prd_1/images";

/// A picture that is sent so, by somebody whom the inner service answers with `answer`.
async fn picture(
    answer: fn() -> Response<Body>,
    body: impl http_body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
) -> (u16, String) {
    let inner =
        service_fn(
            move |_: Request<Body>| async move { Ok::<_, std::convert::Infallible>(answer()) },
        );
    let edge = Edge::new(inner).expect("the contract fits itself");
    let request = Request::post(PICTURE).body(body).expect("a request");
    let response = edge.oneshot(request).await.expect("infallible");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body");
    (
        status,
        String::from_utf8(body.to_bytes().to_vec()).expect("text"),
    )
}

#[tokio::test]
async fn a_file_passes_with_what_stands_beside_it() {
    let file: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
    let mut request = with_headers(file.clone(), &[("content-type", b"image/png")]);
    *request.uri_mut() = PICTURE.parse().expect("a path");
    let seen: UploadProductImageRequest = send(request).await.seen();
    assert_eq!(seen.product_id, "prd_1");
    assert_eq!(seen.content_type, "image/png");
    assert!(seen.file == file);
}

#[tokio::test]
async fn a_file_is_not_read_before_somebody_wants_it() {
    // Its length is known, and nothing of it ever comes.
    let unread = Announced(10_000_000);
    let (status, text) = picture(|| unary(&()), unread).await;
    assert_eq!(status, 201, "{text}");
    let most = 11_534_336;
    for (length, expected) in [(most - 16 * 1024, 201), (most, 413), (u64::MAX, 413)] {
        let (status, text) = picture(|| unary(&()), Announced(length)).await;
        assert_eq!(status, expected, "{text}");
    }
    let unknown = http_body_util::StreamBody::new(futures_util::stream::pending());
    let (status, text) = picture(|| unary(&()), unknown).await;
    assert_eq!(status, 411, "{text}");
    assert!(text.contains("Content-Length"), "{text}");
}

/// A body of a known length that never comes.
struct Announced(u64);

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn the_document_shows_the_form_of_a_file() {
    let document = send(get("/openapi.json")).await.json();
    let operation = &document["paths"]["/api/products/{productId}/images"]["post"];
    let content = &operation["requestBody"]["content"];
    let form = &content["multipart/form-data"]["schema"];
    assert_eq!(form["properties"]["file"]["format"], "binary");
    assert_eq!(form["required"], serde_json::json!(["file"]));
    assert!(operation["responses"]["411"].is_object());
    let parameters = operation["parameters"].to_string();
    assert!(!parameters.contains("content-type"), "{parameters}");
}
