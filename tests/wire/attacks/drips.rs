//! Requests that arrive byte by byte and never end, or of which nothing but the head does.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use crate::client::{Client, framed_as};
use crate::raw::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, call, dial, drip, fields, frame, greet,
};
use crate::rig::pause;

const PACE: Duration = Duration::from_millis(200);
/// The bounds are 10 s; the machine gets some time to notice.
const LIMIT: Duration = Duration::from_secs(14);
const HELLO: &str = "/souk.ops.v1.OpsService/Hello";
const OTP: &str = "/souk.auth.v1.AuthService/RequestOtp";
/// Connections that keep messages back, a hundred each: more than there are places for
/// reads and for sign-in, those who wait for one among them.
const OF_READS: usize = 12;
const OF_SIGN_IN: usize = 4;
/// How long an honest caller waits beside them at the longest.
const PROMPT: Duration = Duration::from_secs(1);

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
    let began = Instant::now();
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

/// Heads by the hundred and no message, while an honest caller of another address asks for
/// the same.
pub async fn withheld(from: u8, to: SocketAddr) -> String {
    let mut held = Vec::new();
    for nth in 0..OF_READS + OF_SIGN_IN {
        let path = if nth < OF_READS { HELLO } else { OTP };
        let head = call(path);
        let streams = (1u32..).step_by(2).take(100);
        let heads = streams.flat_map(|stream| frame(HEADERS, END_HEADERS, stream, &head));
        let heads: Vec<u8> = heads.collect();
        let mut socket = greet(from, to).await;
        socket.write_all(&heads).await.unwrap();
        held.push(socket);
    }
    let honest = Client::connect(1, to, &h2::client::Builder::new()).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        // Nobody has an empty number: who is told so had a place.
        for (path, code) in [(HELLO, 0), (OTP, 3)] {
            let began = Instant::now();
            let outcome = honest.call(path, &[], framed_as(0, b"")).await;
            assert_eq!(outcome.grpc, Some(code), "{path}: {outcome:?}");
            slowest = slowest.max(began.elapsed());
        }
        pause(Duration::from_millis(100)).await;
    }
    assert!(slowest < PROMPT, "an honest caller waited {slowest:?}");
    let count = held.len() * 100;
    format!("{count} messages kept back, an honest caller waited {slowest:?} at the most")
}
