//! Streams without end or number.

use std::net::SocketAddr;

use bytes::Bytes;
use souk::pb::souk::orders::v1::WatchOrderRequest;

use crate::client::{Client, framed, status};

const WATCH: &str = "/souk.orders.v1.OrderService/WatchOrder";
/// Open streams of one address that nobody signed in from.
const PER_IP: usize = 100;

/// An order that guests may watch.
#[derive(Clone)]
pub struct Watched {
    pub id: String,
    pub guest_token: Option<String>,
}

/// The connections of the attackers, which hold what they got.
pub struct Held {
    _clients: Vec<Client>,
    streams: Vec<h2::RecvStream>,
    pub said: String,
}

impl Held {
    /// How many streams are held.
    pub fn count(&self) -> usize {
        self.streams.len()
    }
}

/// Opens so many streams from each of so many addresses, a hundred per connection.
pub async fn open(to: SocketAddr, from: u8, addresses: u8, each: usize, order: &Watched) -> Held {
    let request = WatchOrderRequest {
        id: order.id.clone(),
        guest_token: order.guest_token.clone(),
        resume_token: None,
    };
    let body: Bytes = framed(&request);
    let (mut clients, mut streams) = (Vec::new(), Vec::new());
    let (mut refused, mut busy) = (0, 0);
    for address in from..from + addresses {
        let mut held = 0;
        for nth in 0..each {
            if nth % PER_IP == 0 {
                let builder = h2::client::Builder::new();
                clients.push(Client::connect(address, to, &builder).await);
            }
            let client = clients.last().unwrap();
            let opened = client.open(WATCH, &[], body.clone()).await.unwrap();
            let answer = opened.await.unwrap();
            match status(answer.headers()) {
                None => {
                    held += 1;
                    streams.push(answer.into_body());
                }
                Some(8) if is_stream_limit(answer.headers()) => refused += 1,
                Some(8) => busy += 1,
                Some(other) => panic!("a stream was refused with {other}"),
            }
        }
        assert!(held <= PER_IP, "{held} streams from one address");
        assert!(held + busy >= Ord::min(each, PER_IP), "too few streams");
    }
    let said = format!(
        "{} streams held by {addresses} addresses, {refused} refused",
        streams.len()
    );
    Held {
        _clients: clients,
        streams,
        said,
    }
}

/// The details are a protobuf message in base64; its words are readable in what is decoded.
fn is_stream_limit(headers: &http::HeaderMap) -> bool {
    use tonic_types::StatusExt;
    let status = tonic::Status::from_header_map(headers).unwrap();
    let info = status.get_details_error_info().unwrap();
    info.reason == "STREAM_LIMIT_EXCEEDED"
}
