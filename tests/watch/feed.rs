//! Four kinds of stream, seen alike: of an order, of a buyer's orders, of a store's orders
//! and of a store's stock.

use souk::pb::souk::inventory::v1::watch_inventory_response::Type as StockType;
use souk::pb::souk::inventory::v1::{Stock, WatchInventoryRequest, WatchInventoryResponse};
use souk::pb::souk::orders::v1::order_event::Type;
use souk::pb::souk::orders::v1::{
    Order, WatchMyOrdersRequest, WatchMyOrdersResponse, WatchOrderRequest, WatchOrderResponse,
    WatchSellerOrdersRequest, WatchSellerOrdersResponse,
};
use tonic::{Status, Streaming};

use crate::rig::Caller;

/// What a reader watches, and as whom.
#[derive(Clone)]
pub struct Feed {
    pub who: Caller,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// One order.
    Order(String),
    /// The orders of a buyer.
    Mine(String),
    /// The orders at a store.
    Store(String),
    /// The stock of a store.
    Stock(String),
}

/// A record as a message shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    pub version: i64,
    pub store: String,
    /// The buyer; empty for stock.
    pub user: String,
}

impl What {
    /// Whether a record belongs into this feed.
    pub fn covers(&self, record: &Record) -> bool {
        match self {
            Self::Order(id) => record.id == *id,
            Self::Mine(user) => record.user == *user,
            Self::Store(store) => record.store == *store && !record.user.is_empty(),
            Self::Stock(store) => record.store == *store && record.user.is_empty(),
        }
    }
}

/// One message of any stream.
pub struct Message {
    pub token: String,
    pub tells: Tells,
}

pub enum Tells {
    Snapshot(Vec<Record>),
    Change(Record),
    Heartbeat,
}

/// An open stream.
pub enum Stream {
    Order(Streaming<WatchOrderResponse>),
    Mine(Streaming<WatchMyOrdersResponse>),
    Store(Streaming<WatchSellerOrdersResponse>),
    Stock(Streaming<WatchInventoryResponse>),
}

impl Stream {
    /// Opens the feed at `url`, right after `token` where there is one.
    pub async fn open(feed: &Feed, url: &str, token: Option<String>) -> Result<Self, Status> {
        let caller = feed.who.over(Caller::alert(url));
        let mut orders = caller.orders();
        Ok(match &feed.what {
            What::Order(id) => {
                let request = WatchOrderRequest {
                    id: id.clone(),
                    guest_token: None,
                    resume_token: token,
                };
                let stream = orders.watch_order(caller.ask(request)).await?;
                Self::Order(stream.into_inner())
            }
            What::Mine(_) => {
                let request = WatchMyOrdersRequest {
                    resume_token: token,
                };
                let stream = orders.watch_my_orders(caller.ask(request)).await?;
                Self::Mine(stream.into_inner())
            }
            What::Store(store_id) => {
                let request = WatchSellerOrdersRequest {
                    store_id: store_id.clone(),
                    resume_token: token,
                };
                let stream = orders.watch_seller_orders(caller.ask(request)).await?;
                Self::Store(stream.into_inner())
            }
            What::Stock(store_id) => {
                let request = WatchInventoryRequest {
                    store_id: store_id.clone(),
                    resume_token: token,
                };
                let mut inventory = caller.inventory();
                let stream = inventory.watch_inventory(caller.ask(request)).await?;
                Self::Stock(stream.into_inner())
            }
        })
    }

    /// The next message; nothing when the stream ended.
    pub async fn next(&mut self) -> Result<Option<Message>, Status> {
        Ok(match self {
            Self::Order(stream) => stream.message().await?.map(|it| {
                let shown = it.order.iter().cloned().collect();
                of_orders(it.r#type(), it.resume_token, it.order, shown)
            }),
            Self::Mine(stream) => stream
                .message()
                .await?
                .map(|it| of_orders(it.r#type(), it.resume_token, it.order, it.orders)),
            Self::Store(stream) => stream
                .message()
                .await?
                .map(|it| of_orders(it.r#type(), it.resume_token, it.order, it.orders)),
            Self::Stock(stream) => stream.message().await?.map(of_stock),
        })
    }
}

fn of_orders(kind: Type, token: String, changed: Option<Order>, shown: Vec<Order>) -> Message {
    let tells = match kind {
        Type::Snapshot => Tells::Snapshot(shown.into_iter().map(order).collect()),
        Type::Created | Type::StatusChanged | Type::Updated => {
            Tells::Change(order(changed.expect("a change shows its order")))
        }
        Type::Heartbeat => Tells::Heartbeat,
        Type::Unspecified => panic!("a message without a type"),
    };
    Message { token, tells }
}

fn of_stock(message: WatchInventoryResponse) -> Message {
    let tells = match message.r#type() {
        StockType::Snapshot => Tells::Snapshot(message.stocks.into_iter().map(stock).collect()),
        StockType::Changed | StockType::LowStock => {
            Tells::Change(stock(message.stock.expect("a change shows its record")))
        }
        StockType::Heartbeat => Tells::Heartbeat,
        StockType::Unspecified => panic!("a message without a type"),
    };
    Message {
        token: message.resume_token,
        tells,
    }
}

pub fn order(order: Order) -> Record {
    Record {
        id: order.id,
        version: i64::from(order.version),
        store: order.store_id,
        user: order.user_id,
    }
}

pub fn stock(stock: Stock) -> Record {
    Record {
        id: stock.id,
        version: i64::from(stock.version),
        store: stock.store_id,
        user: String::new(),
    }
}
