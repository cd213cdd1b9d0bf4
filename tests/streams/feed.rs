//! Two readers of a store's order feed that live with being cut off: a gRPC client, and
//! an EventSource as browsers have it. Both go on from the last resume token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use souk::pb::souk::orders::v1::order_event::Type;
use souk::pb::souk::orders::v1::{
    WatchOrderRequest, WatchOrderResponse, WatchSellerOrdersRequest, WatchSellerOrdersResponse,
};
use tonic::Status;

use crate::event_source::EventSource;
use crate::rig::{Caller, Verdict, judge, pause};

/// One change of an order, as a reader saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub order: String,
    pub version: i64,
}

/// What a reader has seen.
#[derive(Default)]
pub struct Seen {
    pub changes: Vec<Change>,
    pub snapshots: usize,
    /// How often it connected.
    pub connects: usize,
}

/// A reader's progress, for those who wait for it.
#[derive(Clone, Default)]
pub struct Progress {
    pub ready: Arc<AtomicUsize>,
    pub changes: Arc<AtomicUsize>,
}

impl Seen {
    /// Takes one message in; `order` is the order's id and version.
    fn note(&mut self, kind: Type, order: Option<(String, i64)>, progress: &Progress) {
        match kind {
            Type::Snapshot => {
                self.snapshots += 1;
                progress.ready.fetch_add(1, Ordering::SeqCst);
            }
            Type::Created | Type::StatusChanged | Type::Updated => {
                let (order, version) = order.expect("a change shows its order");
                self.changes.push(Change { order, version });
                progress.changes.fetch_add(1, Ordering::SeqCst);
            }
            Type::Heartbeat => {}
            Type::Unspecified => panic!("a message without a type"),
        }
    }
}

/// A message of a gRPC stream, whichever it is.
pub trait Message {
    fn token(&self) -> &str;
    fn kind(&self) -> Type;
    fn order(&self) -> Option<(String, i64)>;
}

macro_rules! message {
    ($name:ident) => {
        impl Message for $name {
            fn token(&self) -> &str {
                &self.resume_token
            }
            fn kind(&self) -> Type {
                self.r#type()
            }
            fn order(&self) -> Option<(String, i64)> {
                let order = self.order.as_ref()?;
                Some((order.id.clone(), i64::from(order.version)))
            }
        }
    };
}
message!(WatchSellerOrdersResponse);
message!(WatchOrderResponse);

/// Which feed a gRPC reader watches.
pub enum Feed {
    Store(String),
    Order(String),
}

/// Reads over gRPC until it has seen `changes` changes.
pub async fn over_grpc(caller: Caller, feed: Feed, changes: usize, progress: Progress) -> Seen {
    let mut seen = Seen::default();
    let mut token = None;
    while seen.changes.len() < changes {
        seen.connects += 1;
        let mut orders = caller.orders();
        let resume_token = token.clone();
        let end = match &feed {
            Feed::Store(store_id) => {
                let request = WatchSellerOrdersRequest {
                    store_id: store_id.clone(),
                    resume_token,
                };
                match orders.watch_seller_orders(caller.ask(request)).await {
                    Ok(stream) => {
                        let stream = stream.into_inner();
                        read(stream, &mut seen, &mut token, changes, &progress).await
                    }
                    Err(status) => Err(status),
                }
            }
            Feed::Order(id) => {
                let request = WatchOrderRequest {
                    id: id.clone(),
                    guest_token: None,
                    resume_token,
                };
                match orders.watch_order(caller.ask(request)).await {
                    Ok(stream) => {
                        let stream = stream.into_inner();
                        read(stream, &mut seen, &mut token, changes, &progress).await
                    }
                    Err(status) => Err(status),
                }
            }
        };
        if let Err(status) = end {
            let verdict = judge(&status);
            assert!(
                matches!(verdict, Verdict::Unknown(_) | Verdict::Later(_)),
                "the feed was refused: {status:?}"
            );
            pause(Duration::from_millis(5)).await;
        }
    }
    seen
}

async fn read<M: Message>(
    mut stream: tonic::Streaming<M>,
    seen: &mut Seen,
    token: &mut Option<String>,
    changes: usize,
    progress: &Progress,
) -> Result<(), Status> {
    while seen.changes.len() < changes {
        let Some(message) = stream.message().await? else {
            return Ok(());
        };
        seen.note(message.kind(), message.order(), progress);
        *token = Some(message.token().to_owned());
    }
    Ok(())
}

/// Reads as a browser does until it has seen `changes` changes.
pub async fn over_sse(url: String, bearer: String, changes: usize, progress: Progress) -> Seen {
    let mut seen = Seen::default();
    let mut source = EventSource::new(url, bearer);
    while seen.changes.len() < changes {
        seen.connects += 1;
        let Some(mut events) = source.connect().await else {
            pause(Duration::from_millis(5)).await;
            continue;
        };
        while seen.changes.len() < changes {
            let Some(event) = events.next().await else {
                break;
            };
            assert_ne!(event.name, "error", "the feed ended itself: {}", event.data);
            let message: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            assert_eq!(message["resumeToken"].as_str(), Some(event.id.as_str()));
            source.last_event_id = Some(event.id);
            let kind = message["type"].as_str().and_then(Type::from_str_name);
            let order = message["order"].as_object().map(|order| {
                let version = order["version"].as_i64().unwrap();
                (order["id"].as_str().unwrap().to_owned(), version)
            });
            seen.note(kind.expect("a known type"), order, &progress);
        }
    }
    seen
}
