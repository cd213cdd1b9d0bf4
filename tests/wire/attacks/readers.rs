//! Readers who ask and never read.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use souk::pb::souk::catalog::v1::ListProductsRequest;
use tokio::io::AsyncWriteExt;

use crate::client::{Client, finish, framed};
use crate::raw::dial;

/// The bound is 30 s.
const LIMIT: Duration = Duration::from_secs(45);
const LIST: &str = "/souk.catalog.v1.CatalogService/ListProducts";

/// Connections with a hundred calls each and no room for a single byte of the answers.
pub async fn no_window(from: u8, to: SocketAddr, connections: usize) -> String {
    let began = Instant::now();
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(0);
    let mut clients = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..connections {
        let client = Client::connect(from, to, &builder).await;
        for _ in 0..100 {
            let body = framed(&ListProductsRequest::default());
            answers.push(client.open(LIST, &[], body).await.unwrap());
        }
        clients.push(client);
    }
    let count = answers.len();
    let all = join_all(answers.into_iter().map(finish));
    let outcomes = tokio::time::timeout(LIMIT, all).await;
    for outcome in outcomes.expect("answers that nobody reads are dropped") {
        // Refused at once for want of a place, or reset in the end.
        assert!(
            outcome.broken.is_some() || outcome.grpc == Some(8),
            "{outcome:?}"
        );
    }
    format!(
        "{count} unread answers dropped within {:?}",
        began.elapsed()
    )
}

/// A connection of HTTP/1 that asks again and again and leaves everything in the socket.
pub async fn no_read(from: u8, to: SocketAddr) -> String {
    let began = Instant::now();
    let mut socket = dial(from, to).await;
    let ask = b"GET /api/products HTTP/1.1\r\nHost: souk\r\n\r\n";
    let fill = async {
        // Until the line is full, and then until the server has hung up.
        while socket.write_all(ask).await.is_ok() {}
    };
    let filled = tokio::time::timeout(LIMIT, fill).await;
    assert!(filled.is_ok(), "a connection that nobody reads stays open");
    format!("an unread connection cut after {:?}", began.elapsed())
}
