//! Readers of a store's orders who go on by their token when a stream ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use souk::pb::souk::orders::v1::order_event::Type;
use souk::pb::souk::orders::v1::{WatchSellerOrdersRequest, WatchSellerOrdersResponse};
use tonic::{Status, Streaming};

use crate::event_source::EventSource;
use crate::load::describe;
use crate::rig::{Caller, Shop, is_unsent, pause};

/// How many orders the readers are to see; unknown while the load runs.
#[derive(Default)]
pub struct Goal {
    orders: AtomicUsize,
    reading: AtomicUsize,
}

impl Goal {
    pub fn set(&self, orders: usize) {
        self.orders.store(orders, Ordering::SeqCst);
    }

    /// How many readers have got their first message.
    pub fn reading(&self) -> usize {
        self.reading.load(Ordering::SeqCst)
    }

    fn is_met(&self, seen: &Seen) -> bool {
        let orders = self.orders.load(Ordering::SeqCst);
        orders > 0 && seen.orders.len() >= orders
    }
}

/// What a reader saw.
#[derive(Default)]
pub struct Seen {
    pub orders: Vec<String>,
    pub snapshots: usize,
    /// Streams that ended as said, their last message a heartbeat.
    pub farewells: usize,
    /// Streams that were ended because too much came at once, with a token too.
    pub behind: usize,
    /// Streams that ended otherwise.
    pub cuts: Vec<String>,
    token: Option<String>,
    last: Option<Type>,
}

impl Seen {
    fn note(&mut self, kind: Type, order: Option<String>, token: String, goal: &Goal) {
        match kind {
            Type::Snapshot => {
                self.snapshots += 1;
                goal.reading.fetch_add(1, Ordering::SeqCst);
            }
            Type::Created => self.orders.push(order.expect("a change shows its order")),
            Type::StatusChanged | Type::Updated | Type::Heartbeat => {}
            Type::Unspecified => panic!("a message without a type"),
        }
        self.token = Some(token);
        self.last = Some(kind);
    }

    /// Notes the end of a stream that was open.
    fn ended(&mut self, why: Result<(), String>) {
        match why {
            Ok(()) if self.last == Some(Type::Heartbeat) => self.farewells += 1,
            Ok(()) => self.cuts.push(format!("ended after {:?}", self.last)),
            Err(why) if why.contains(BEHIND) => self.behind += 1,
            Err(why) => self.cuts.push(why),
        }
    }
}

/// Where the database holds events back, as it does while anybody keeps a transaction open
/// anywhere on that server, they come all at once.
const BEHIND: &str = "the stream was not read fast enough";

/// How often a reader looks whether it has seen enough.
const LOOK: Duration = Duration::from_millis(50);

pub async fn over_grpc(url: &str, shop: &Shop, goal: &Goal) -> Seen {
    // A stream on a connection of its own, as an application that does nothing else.
    let caller = shop.owner.over(Caller::patient(url));
    let mut seen = Seen::default();
    while !goal.is_met(&seen) {
        let request = WatchSellerOrdersRequest {
            store_id: shop.store_id.clone(),
            resume_token: seen.token.clone(),
        };
        let opened = caller
            .orders()
            .watch_seller_orders(caller.ask(request))
            .await;
        match opened {
            Ok(stream) => {
                let end = read(stream.into_inner(), &mut seen, goal).await;
                if let Some(end) = end {
                    seen.ended(end.map_err(|status| describe(&status)));
                }
            }
            // It never left: the connection before it was told to end.
            Err(status) if is_unsent(&status) => {}
            Err(status) => seen.cuts.push(format!("not opened: {}", describe(&status))),
        }
    }
    seen
}

/// The end of the stream; nothing when the goal was met before.
async fn read(
    mut stream: Streaming<WatchSellerOrdersResponse>,
    seen: &mut Seen,
    goal: &Goal,
) -> Option<Result<(), Status>> {
    while !goal.is_met(seen) {
        let message = tokio::select! {
            message = stream.message() => message,
            () = pause(LOOK) => continue,
        };
        match message {
            Ok(Some(message)) => {
                let kind = message.r#type();
                let order = message.order.map(|order| order.id);
                seen.note(kind, order, message.resume_token, goal);
            }
            Ok(None) => return Some(Ok(())),
            Err(status) => return Some(Err(status)),
        }
    }
    None
}

pub async fn over_sse(url: &str, shop: &Shop, goal: &Goal) -> Seen {
    let url = format!("{url}/api/stream/seller/orders?storeId={}", shop.store_id);
    let mut source = EventSource::new(url, shop.owner.token().unwrap().to_owned());
    let mut seen = Seen::default();
    while !goal.is_met(&seen) {
        let Some(mut events) = source.connect().await else {
            seen.cuts.push("not opened".to_owned());
            continue;
        };
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = pause(LOOK) => match goal.is_met(&seen) {
                    true => break,
                    false => continue,
                },
            };
            let Some(event) = event else {
                seen.ended(Ok(()));
                break;
            };
            if event.name == "error" {
                seen.ended(Err(event.data));
                break;
            }
            let message: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            let kind = message["type"].as_str().and_then(Type::from_str_name);
            let order = message["order"]["id"].as_str().map(str::to_owned);
            source.last_event_id = Some(event.id.clone());
            seen.note(kind.expect("a known type"), order, event.id, goal);
        }
    }
    seen
}
