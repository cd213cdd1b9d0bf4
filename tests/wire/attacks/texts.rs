//! JSON that is no JSON, heads that are too large, and requests that hide a second one.

use std::net::SocketAddr;

use crate::client::Client;
use crate::texts::{Said, ask};

/// A request that somebody smuggles in: it must never be answered.
const HIDDEN: &str = "GET /health HTTP/1.1\r\nHost: hidden\r\n\r\n";

/// Heads of which each server in a row may understand something else.
const PAIRS: [&str; 14] = [
    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\nX-A: b\r\nCONTENT-LENGTH: 4\r\n\r\n0\r\n\r\n",
    "Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}",
    "Content-Length: 2, 4\r\n\r\n{}",
    "Content-Length: +2\r\n\r\n{}",
    "Content-Length: 0x2\r\n\r\n{}",
    "Content-Length: -1\r\n\r\n{}",
    "Content-Length: 99999999999999999999999999\r\n\r\n{}",
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 2\r\n Transfer-Encoding: chunked\r\n\r\n{}",
    "X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}",
];

pub async fn all(from: u8, to: SocketAddr) -> String {
    let mut count = 0;
    for pair in PAIRS {
        let request = format!("POST /api/orders HTTP/1.1\r\nHost: souk\r\n{pair}{HIDDEN}");
        let said = ask(from, to, request.as_bytes()).await;
        assert_eq!((said.status, said.answers), (400, 1), "{pair:?}: {said:?}");
        count += 1;
    }
    chunks_end_the_connection(from, to).await;
    heads(from, to).await;
    let slowest = json(from, to).await;
    format!("{count} smuggling pairs refused; hostile JSON refused within {slowest:?}")
}

/// A body in chunks is taken, and nothing after it.
async fn chunks_end_the_connection(from: u8, to: SocketAddr) {
    let request = format!(
        "POST /api/orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{HIDDEN}"
    );
    let said = ask(from, to, request.as_bytes()).await;
    assert_eq!((said.status, said.answers), (400, 1), "{said:?}");
    assert!(said.text.contains("VALIDATION_ERROR"), "{said:?}");
    let broken = "POST /api/orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n\
                  Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n";
    let said = ask(from, to, broken.as_bytes()).await;
    assert_eq!((said.status, said.answers), (400, 1), "{said:?}");
}

async fn heads(from: u8, to: SocketAddr) {
    let large = "x".repeat(20 * 1024);
    let request = format!("GET /health HTTP/1.1\r\nHost: souk\r\nX-A: {large}\r\n\r\n");
    let said = ask(from, to, request.as_bytes()).await;
    assert_eq!(said.status, 431, "{}", said.text);
    let request = format!("GET /{large} HTTP/1.1\r\nHost: souk\r\n\r\n");
    let said = ask(from, to, request.as_bytes()).await;
    assert!([414, 431].contains(&said.status), "{}", said.text);
    let client = Client::connect(from, to, &h2::client::Builder::new()).await;
    let hello = "/souk.ops.v1.OpsService/Hello";
    let outcome = client
        .call(hello, &[("x-a", &large)], crate::client::framed_as(0, b""))
        .await;
    assert!(
        outcome.http == Some(431) || outcome.broken.is_some(),
        "{outcome:?}"
    );
    let next = client
        .call(hello, &[], crate::client::framed_as(0, b""))
        .await;
    assert_eq!(next.grpc, Some(0), "the connection lives on: {next:?}");
}

async fn json(from: u8, to: SocketAddr) -> std::time::Duration {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let members: Vec<_> = (0..15_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let wide = format!("{{{}}}", members.join(","));
    let (deepest, deeper) = (deep(100_000), format!("{{\"items\":{}}}", deep(70)));
    let large = vec![b' '; 300 * 1024];
    let cases: [(&[u8], u16); 15] = [
        (deepest.as_bytes(), 400),
        (deeper.as_bytes(), 400),
        (wide.as_bytes(), 400),
        (b"{\"notes\":\"a\",\"notes\":\"b\"}", 400),
        (b"{\"items\":[{\"quantity\":1e400}]}", 400),
        (b"{\"items\":[{\"quantity\":99999999999999999999999}]}", 400),
        (b"{\"items\":[{\"quantity\":NaN}]}", 400),
        (b"{\"notes\":\"\xff\xfe\"}", 400),
        (b"{\"notes\":\"\\ud800\"}", 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"{\"notes\":\"\x01\"}", 400),
        (b"{} {}", 400),
        (b"{", 400),
        (b"\x00", 400),
        (&large, 413),
    ];
    let mut slowest = std::time::Duration::ZERO;
    for (body, status) in cases {
        let said = post(from, to, body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert_eq!(said.status, status, "{shown:?}: {}", said.text);
        slowest = slowest.max(said.time);
    }
    slowest
}

async fn post(from: u8, to: SocketAddr, body: &[u8]) -> Said {
    let mut request = format!(
        "POST /api/orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    ask(from, to, &request).await
}
