//! Sockets that say what no library would.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PING: u8 = 0x6;
pub const WINDOW_UPDATE: u8 = 0x8;
pub const CONTINUATION: u8 = 0x9;
pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;

/// A connection from 127.0.0.`from`, so that attackers can be told from honest clients.
pub async fn dial(from: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let ip = Ipv4Addr::new(127, 0, 0, from);
    socket.bind((ip, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// A connection that has begun to speak HTTP/2.
pub async fn greet(from: u8, to: SocketAddr) -> TcpStream {
    let mut socket = dial(from, to).await;
    let mut hello = PREFACE.to_vec();
    hello.extend(frame(SETTINGS, 0, 0, b""));
    socket.write_all(&hello).await.unwrap();
    socket
}

/// An HTTP/2 frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Header fields as HPACK writes them without any table.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "short texts only");
            block.push(text.len() as u8);
            block.extend(text.as_bytes());
        }
    }
    block
}

/// The head of a call.
pub fn call(path: &str) -> Vec<u8> {
    fields(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "souk"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ])
}

/// All that comes until the server hangs up, and when it did; nothing when it does not
/// within `limit`.
pub async fn until_closed(socket: &mut TcpStream, limit: Duration) -> Option<(Vec<u8>, Duration)> {
    let began = Instant::now();
    let mut all = Vec::new();
    let mut part = [0u8; 4096];
    let read = async {
        loop {
            match socket.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(read) => all.extend_from_slice(&part[..read]),
            }
        }
    };
    tokio::time::timeout(limit, read).await.ok()?;
    Some((all, began.elapsed()))
}

/// Says `words` again and again, one each `pace`, and reads what comes, until the server
/// hangs up. Gives what came and how long it took.
pub async fn drip(
    mut socket: TcpStream,
    words: &[u8],
    pace: Duration,
    limit: Duration,
) -> Option<(Vec<u8>, Duration)> {
    let began = Instant::now();
    let mut pace = tokio::time::interval(pace);
    let mut all = Vec::new();
    let mut part = [0u8; 4096];
    while began.elapsed() < limit {
        tokio::select! {
            read = socket.read(&mut part) => match read {
                Ok(0) | Err(_) => return Some((all, began.elapsed())),
                Ok(read) => all.extend_from_slice(&part[..read]),
            },
            _ = pace.tick() => {
                if socket.write_all(words).await.is_err() {
                    return Some((all, began.elapsed()));
                }
            }
        }
    }
    None
}

/// Writes `words` as fast as it can and throws away what comes, until the server hangs up.
/// Gives how often they were written; nothing when nobody stops it within `limit`.
pub async fn flood(socket: TcpStream, words: &[u8], limit: Duration) -> Option<usize> {
    let (mut reader, mut writer) = socket.into_split();
    let mut times = 0;
    let write = async {
        while writer.write_all(words).await.is_ok() {
            times += 1;
        }
    };
    let read = async {
        let mut part = [0u8; 16 * 1024];
        while reader.read(&mut part).await.is_ok_and(|read| read > 0) {}
    };
    let both = async {
        tokio::select! {
            () = write => {}
            () = read => {}
        }
    };
    tokio::time::timeout(limit, both).await.ok()?;
    Some(times)
}
