//! Frames as fast as the line carries them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::raw::{
    CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    call, fields, flood, frame, greet,
};

const LIMIT: Duration = Duration::from_secs(10);
const HELLO: &str = "/souk.ops.v1.OpsService/Hello";

/// One flood after the other, `times` over.
pub async fn all(from: u8, to: SocketAddr, times: usize) -> String {
    let mut said = Vec::new();
    for _ in 0..times {
        said.clear();
        for (name, words) in [
            ("PING", frame(PING, 0, 0, b"attacker")),
            ("SETTINGS", frame(SETTINGS, 0, 0, b"")),
            ("WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ] {
            let socket = greet(from, to).await;
            let sent = flood(socket, &words.repeat(16), LIMIT).await;
            let sent = sent.unwrap_or_else(|| panic!("{name} flood goes on")) * 16;
            said.push(format!("{name} cut after {sent}"));
        }
        said.push(continuation(from, to).await);
        said.push(rapid_reset(from, to).await);
    }
    said.join(", ")
}

async fn continuation(from: u8, to: SocketAddr) -> String {
    let mut socket = greet(from, to).await;
    let begin = frame(HEADERS, 0, 1, &call(HELLO));
    socket.write_all(&begin).await.unwrap();
    let field = fields(&[("x-filler", &"x".repeat(100))]);
    let more = frame(CONTINUATION, 0, 1, &field.repeat(100));
    let sent = flood(socket, &more, LIMIT).await;
    format!("CONTINUATION cut after {}", sent.expect("the flood is cut"))
}

async fn rapid_reset(from: u8, to: SocketAddr) -> String {
    let mut socket = greet(from, to).await;
    let head = call(HELLO);
    let mut sent = 0;
    let cut = async {
        for stream in (1u32..).step_by(2) {
            let mut words = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head);
            words.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
            if socket.write_all(&words).await.is_err() {
                return;
            }
            sent += 1;
        }
    };
    let cut = tokio::time::timeout(LIMIT, cut).await;
    assert!(cut.is_ok(), "rapid reset goes on");
    format!("rapid reset cut after {sent}")
}
