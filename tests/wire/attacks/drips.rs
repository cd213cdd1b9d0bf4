//! Requests that arrive byte by byte and never end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::raw::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, call, dial, drip, fields, frame, greet,
};

const PACE: Duration = Duration::from_millis(200);
/// The bounds are 10 s; the machine gets some time to notice.
const LIMIT: Duration = Duration::from_secs(14);
const HELLO: &str = "/souk.ops.v1.OpsService/Hello";

pub async fn all(from: u8, to: SocketAddr) -> String {
    let (a, b, c, d) = tokio::join!(
        http1_head(from, to),
        http2_head(from, to),
        http1_body(from, to),
        http2_body(from, to),
    );
    format!("dripping head {a:?}, {b:?} (HTTP/2); dripping body {c:?}, {d:?} (HTTP/2)")
}

async fn http1_head(from: u8, to: SocketAddr) -> Duration {
    let mut socket = dial(from, to).await;
    let head = b"GET /health HTTP/1.1\r\nHost: souk\r\n";
    socket.write_all(head).await.unwrap();
    let closed = drip(socket, b"X-A: b\r\n", PACE, LIMIT).await;
    closed.expect("a head that drips is cut").1
}

async fn http2_head(from: u8, to: SocketAddr) -> Duration {
    let mut socket = greet(from, to).await;
    let begin = frame(HEADERS, 0, 1, &call(HELLO));
    socket.write_all(&begin).await.unwrap();
    let more = frame(CONTINUATION, 0, 1, &fields(&[("x-a", "b")]));
    let closed = drip(socket, &more, PACE, LIMIT).await;
    closed.expect("a head that drips is cut").1
}

async fn http1_body(from: u8, to: SocketAddr) -> Duration {
    let mut socket = dial(from, to).await;
    let head = b"POST /api/orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n\
                 Content-Length: 1000\r\n\r\n{";
    socket.write_all(head).await.unwrap();
    let (answer, time) = drip(socket, b" ", PACE, LIMIT)
        .await
        .expect("a body that drips is cut");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    time
}

/// The connection stays, since only the one call is at fault: its answer is what ends it.
async fn http2_body(from: u8, to: SocketAddr) -> Duration {
    let mut socket = greet(from, to).await;
    let mut begin = frame(HEADERS, END_HEADERS, 1, &call(HELLO));
    begin.extend(frame(DATA, 0, 1, &[0, 0, 0, 3, 0xe8]));
    socket.write_all(&begin).await.unwrap();
    let began = std::time::Instant::now();
    let (mut reader, mut writer) = socket.into_split();
    let drip = async {
        let mut pace = tokio::time::interval(PACE);
        loop {
            pace.tick().await;
            if writer.write_all(&frame(DATA, 0, 1, b"x")).await.is_err() {
                return;
            }
        }
    };
    let answered = async {
        use tokio::io::AsyncReadExt;
        let mut all = Vec::new();
        let mut part = [0u8; 4096];
        while let Ok(read) = reader.read(&mut part).await {
            all.extend_from_slice(&part[..read]);
            if read == 0 || has_headers(&all) {
                return;
            }
        }
    };
    let answered = async {
        tokio::select! {
            () = drip => {}
            () = answered => {}
        }
    };
    let answered = tokio::time::timeout(LIMIT, answered).await;
    answered.expect("a body that drips is answered");
    began.elapsed()
}

/// Whether a HEADERS frame of the server is among the bytes.
fn has_headers(mut bytes: &[u8]) -> bool {
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        if head[3] == HEADERS {
            return true;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        bytes = rest.get(length..).unwrap_or_default();
    }
    false
}
