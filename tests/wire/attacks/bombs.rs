//! Little that becomes much, and much at once.

use std::io::Write;
use std::net::SocketAddr;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;

use crate::client::{Client, Outcome, framed_as};
use crate::texts::{Said, ask};

const PLACE: &str = "/souk.orders.v1.OrderService/PlaceOrder";

/// Bombs by the hundred over gRPC and JSON, and messages that are too large or lie about
/// their length.
pub async fn all(from: u8, to: SocketAddr) -> String {
    let bomb = bomb();
    let client = Client::connect(from, to, &h2::client::Builder::new()).await;
    let grpc = join_all((0..100).map(|_| {
        let body = framed_as(1, &bomb);
        client.call(PLACE, &[("grpc-encoding", "gzip")], body)
    }));
    let json = join_all((0..20).map(|_| explode(from, to, &bomb)));
    let (grpc, json) = tokio::join!(grpc, json);
    for outcome in &grpc {
        refused(outcome);
    }
    for said in &json {
        assert!([400, 413, 415].contains(&said.status), "{said:?}");
    }
    let lie = Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    refused(&client.call(PLACE, &[], lie).await);
    let large = framed_as(0, &vec![0u8; 2 << 20]);
    refused(&client.call(PLACE, &[], large).await);
    format!("{} bombs refused", grpc.len() + json.len())
}

/// A refusal that is no fault of the server's: not UNKNOWN, not INTERNAL.
fn refused(outcome: &Outcome) {
    let Outcome { grpc, broken, .. } = outcome;
    let named = grpc.is_some_and(|code| ![0, 2, 13].contains(&code));
    // A body that is refused before its end is reset, which a client may see first.
    assert!(named || broken.is_some(), "{outcome:?}");
}

async fn explode(from: u8, to: SocketAddr, bomb: &[u8]) -> Said {
    let mut request = format!(
        "POST /api/orders HTTP/1.1\r\nHost: souk\r\nContent-Type: application/json\r\n\
         Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    )
    .into_bytes();
    request.extend_from_slice(bomb);
    ask(from, to, &request).await
}

/// 16 MiB of nothing in a few KiB, twelve times one after the other.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![b' '; 16 << 20]).unwrap();
    encoder.finish().unwrap().repeat(12)
}
