//! The store: places orders and changes them at a steady pace.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use souk::pb::souk::orders::v1::UpdateOrderStatusRequest;
use souk::pb::souk::orders::v1::order::Status;
use tokio::task::JoinSet;

use crate::rig::{Caller, Shop, lines, order};

/// An order that a guest may watch.
#[derive(Debug, Clone)]
pub struct Placed {
    pub id: String,
    pub guest_token: Option<String>,
}

/// When the change to a version of an order was asked for and when it was answered.
pub type Written = HashMap<(usize, i32), (Instant, Instant)>;

const AT_ONCE: usize = 16;

pub async fn place(guest: &Caller, shop: &Shop, count: usize) -> Vec<Placed> {
    let places = (0..count).map(|_| async {
        let request = order("streams", lines([(&shop.goods[0], 1)]));
        let answer = guest.orders().place_order(request).await.unwrap();
        let answer = answer.into_inner();
        Placed {
            id: answer.order.unwrap().id,
            guest_token: answer.guest_token,
        }
    });
    stream::iter(places).buffered(AT_ONCE).collect().await
}

pub async fn confirm(shop: &Shop, orders: &[Placed]) {
    let all = orders.iter().map(|it| track(&shop.owner, &it.id, "T-0"));
    stream::iter(all)
        .buffered(AT_ONCE)
        .for_each(|_| async {})
        .await;
}

/// Changes one order after the other, `rate` times a second as far as the server can, and
/// never more than one change of an order at a time.
pub async fn change(shop: &Shop, orders: &[Placed], rate: usize, time: Duration) -> Written {
    let written = Arc::new(Mutex::new(Written::new()));
    let mut running = JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / rate as u32);
    let end = Instant::now() + time;
    for turn in 0.. {
        pace.tick().await;
        if Instant::now() >= end {
            break;
        }
        while running.len() >= AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
        let index = turn % orders.len();
        let (owner, id) = (shop.owner.clone(), orders[index].id.clone());
        let written = written.clone();
        running.spawn(async move {
            let asked = Instant::now();
            let version = track(&owner, &id, &format!("T-{turn}-{rate}")).await;
            let times = (asked, Instant::now());
            written.lock().unwrap().insert((index, version), times);
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    std::mem::take(&mut *written.lock().unwrap())
}

/// Gives the order another tracking number, and its version after that.
async fn track(owner: &Caller, id: &str, number: &str) -> i32 {
    let request = UpdateOrderStatusRequest {
        id: id.to_owned(),
        status: Status::Confirmed.into(),
        tracking_number: Some(number.to_owned()),
        ..UpdateOrderStatusRequest::default()
    };
    let answer = owner.orders().update_order_status(owner.ask(request)).await;
    answer.unwrap().into_inner().order.unwrap().version
}
