//! Stock clients that call at a steady pace and never try again. The one exception is what
//! gRPC calls a transparent retry: a call that was on its way to a connection when the
//! server's GOAWAY came, and never left the client. Other gRPC clients send it again by
//! themselves; tonic's hands it back as canceled by hyper, so it is done here.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use souk::pb::souk::catalog::v1::{GetProductRequest, ListProductsRequest};
use tonic::Status;

use crate::rig::{Caller, Dice, Good, Shop, is_unsent, lines, order};

/// What all clients did together.
#[derive(Default)]
pub struct Load {
    stopped: AtomicBool,
    calls: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: Vec<String>,
    orders: BTreeSet<String>,
    slowest: Duration,
    unsent: usize,
}

impl Load {
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn failures(&self) -> Vec<String> {
        self.state.lock().unwrap().failures.clone()
    }

    /// The orders that were placed.
    pub fn orders(&self) -> BTreeSet<String> {
        self.state.lock().unwrap().orders.clone()
    }

    /// Calls that never left their client at first.
    pub fn unsent(&self) -> usize {
        self.state.lock().unwrap().unsent
    }

    pub fn slowest(&self) -> Duration {
        self.state.lock().unwrap().slowest
    }

    fn note(&self, began: Instant, outcome: Result<Option<String>, Status>) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut state = self.state.lock().unwrap();
        state.slowest = state.slowest.max(began.elapsed());
        match outcome {
            Ok(order) => state.orders.extend(order),
            Err(status) => state.failures.push(describe(&status)),
        }
    }
}

/// The status with all that lies below it.
pub fn describe(status: &Status) -> String {
    let mut text = format!("{:?} {:?}", status.code(), status.message());
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        text.push_str(&format!(" < {error}"));
        source = error.source();
    }
    text
}

/// One client with a connection of its own.
pub struct Worker {
    caller: Caller,
    goods: Vec<Good>,
    dice: Dice,
}

impl Worker {
    pub fn new(url: &str, shop: &Shop, dice: Dice) -> Self {
        Self {
            caller: Caller::guest(url),
            goods: shop.goods.clone(),
            dice,
        }
    }

    /// Calls `rate` times a second until the load is stopped; a late answer delays the
    /// next call and is made up for.
    pub async fn run(mut self, load: &Load, rate: usize) {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / rate as u32);
        while !load.stopped.load(Ordering::SeqCst) {
            pace.tick().await;
            let began = Instant::now();
            let (kind, good) = (self.dice.number(1..=10), self.good());
            let key = self.dice.word("place");
            let mut outcome = self.call(kind, &good, &key).await;
            if outcome.as_ref().is_err_and(is_unsent) {
                load.state.lock().unwrap().unsent += 1;
                outcome = self.call(kind, &good, &key).await;
            }
            load.note(began, outcome);
        }
    }

    fn good(&mut self) -> Good {
        let index = self.dice.index(self.goods.len());
        self.goods[index].clone()
    }

    /// The id of the order, when one was placed.
    async fn call(&self, kind: u64, good: &Good, key: &str) -> Result<Option<String>, Status> {
        match kind {
            1..=2 => {
                let request = order("rolling", lines([(good, 1)]));
                let request = self.caller.once(key, request);
                let answer = self.caller.orders().place_order(request).await?;
                Ok(Some(answer.into_inner().order.unwrap().id))
            }
            3..=4 => {
                let request = ListProductsRequest::default();
                let answer = self.caller.catalog().list_products(request).await;
                answer.map(|_| None)
            }
            _ => {
                let request = GetProductRequest {
                    id: good.product_id.clone(),
                };
                let answer = self.caller.catalog().get_product(request).await;
                answer.map(|_| None)
            }
        }
    }
}
