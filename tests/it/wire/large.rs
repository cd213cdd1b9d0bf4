//! Requests as large as files: strangers fill no memory with them, and few are in memory
//! at once.

use std::time::Duration;

use prost::Message;
use souk::pb::souk::media::v1::{CreateUploadRequest, UploadProductImageRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::support::{Client, TestApp, reason, until};

const CREATE: &str = "MediaService/CreateUpload";
const UPLOAD: &str = "MediaService/UploadProductImage";
const PATH: &str = "/api/products/prd_1/images";
/// So many such requests are in memory at once, in all and of one user.
const AT_ONCE: usize = 8;
const OF_ONE: usize = 2;

/// Sends the head of a request, and what is given of its body.
async fn begin(app: &TestApp, token: Option<&str>, length: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(app.running.address).await.unwrap();
    let token = token.map_or(String::new(), |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\n{token}{length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

/// What comes back first.
async fn answer(mut stream: TcpStream) -> String {
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await;
    let read = read.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn a_stranger_is_refused_before_anything_is_read() {
    let app = TestApp::start().await;
    // Not a byte of the ten million is sent, so nobody can wait for them.
    let refused = answer(begin(&app, None, "content-length: 10000000", b"").await).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    let too_large = answer(begin(&app, None, "content-length: 20000000", b"").await).await;
    assert!(too_large.starts_with("HTTP/1.1 413 "), "{too_large}");
    assert!(too_large.contains("PAYLOAD_TOO_LARGE"), "{too_large}");
    let chunked = begin(&app, None, "transfer-encoding: chunked", b"1\r\nx\r\n").await;
    let no_length = answer(chunked).await;
    assert!(no_length.starts_with("HTTP/1.1 411 "), "{no_length}");
}

#[tokio::test]
async fn few_are_in_memory_at_once_and_nothing_else_waits_for_them() {
    let app = TestApp::start().await;
    let (customer, other) = (app.customer().await, app.customer().await);
    let mut open = Vec::new();
    let mut open_two = async |by: &Client| {
        for _ in 0..OF_ONE {
            let token = by.token.as_deref();
            open.push(begin(&app, token, "content-length: 1000", b"half").await);
        }
    };
    let one_more = async |by: &Client| {
        let token = by.token.as_deref();
        answer(begin(&app, token, "content-length: 1", b"x").await).await
    };
    let is_full = async |by: &Client| {
        let refused = one_more(by).await;
        refused.starts_with("HTTP/1.1 429 ")
            && refused.contains("RATE_LIMIT_EXCEEDED")
            && refused.contains("retry-after: 1")
    };
    open_two(&customer).await;
    until("one has the share of one", async || {
        is_full(&customer).await
    })
    .await;
    assert!(!is_full(&other).await);
    for _ in 1..AT_ONCE / OF_ONE {
        open_two(&app.customer().await).await;
    }
    until("there is no room", async || is_full(&other).await).await;
    let small = CreateUploadRequest::default().encode_to_vec();
    let status = customer.send(CREATE, small).await.unwrap_err();
    assert_ne!(status.code(), Code::ResourceExhausted, "{status}");
    drop(open);
    until("there is room again", async || {
        !is_full(&customer).await && !is_full(&other).await
    })
    .await;
}

async fn upload(by: &Client, bytes: usize) -> tonic::Status {
    let request = UploadProductImageRequest {
        product_id: "prd_1".into(),
        file: vec![7; bytes],
        content_type: "image/png".into(),
    };
    by.send(UPLOAD, request.encode_to_vec()).await.unwrap_err()
}

#[tokio::test]
async fn only_the_methods_that_take_files_take_them() {
    let app = TestApp::start().await;
    let customer = app.customer().await;
    let beyond = [Code::ResourceExhausted, Code::OutOfRange];
    let taken = upload(&customer, 10 * 1024 * 1024).await;
    assert!(!beyond.contains(&taken.code()), "{taken}");
    let refused = upload(&customer, 12 * 1024 * 1024).await;
    assert!(beyond.contains(&refused.code()), "{refused}");
    // The others of the same service take what everybody takes.
    let wide = CreateUploadRequest {
        file_name: "x".repeat(2 * 1024 * 1024),
        ..Default::default()
    };
    let refused = customer.send(CREATE, wide.encode_to_vec()).await;
    let refused = refused.unwrap_err();
    assert_eq!(reason(&refused), "PAYLOAD_TOO_LARGE");
    let stranger = upload(&app.guest().await, 10 * 1024 * 1024).await;
    assert_eq!(stranger.code(), Code::Unauthenticated);
}
