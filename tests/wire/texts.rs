//! HTTP/1 to the letter: an exact request, and the exact answer.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::raw::{dial, until_closed};

/// What the server said until it hung up.
#[derive(Debug)]
pub struct Said {
    /// The status of the first answer; 0 without one.
    pub status: u16,
    /// How many answers there were.
    pub answers: usize,
    pub text: String,
    pub time: Duration,
}

/// Sends the bytes and reads until the server hangs up, which it must.
pub async fn ask(from: u8, to: SocketAddr, request: &[u8]) -> Said {
    let mut socket = dial(from, to).await;
    // A server that refuses early may hang up before all is written.
    let _ = socket.write_all(request).await;
    let closed = until_closed(&mut socket, Duration::from_secs(5)).await;
    let (bytes, time) = closed.unwrap_or_else(|| {
        let request = String::from_utf8_lossy(&request[..request.len().min(300)]);
        panic!("the connection stays open after {request:?}")
    });
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.get(9..12).and_then(|text| text.parse().ok());
    Said {
        status: status.unwrap_or_default(),
        answers: text.matches("HTTP/1.1 ").count(),
        text,
        time,
    }
}
