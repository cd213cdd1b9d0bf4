//! Orders from placing to delivery.

mod change;
mod place;
mod race;
mod read;
mod reels;
mod refuse;
mod storm;
mod watch;
mod window;

use souk::pb::souk::orders::v1::order::Status;
use souk::pb::souk::orders::v1::{GetOrderRequest, Order, UpdateOrderStatusRequest};

use crate::support::{Client, TestApp};

impl TestApp {
    /// Waits until the caches have seen every change, so that what is read next stays
    /// in them and the call after that has the statements of every day.
    pub async fn settle(&self) {
        self.running.app.events.caught_up().await.unwrap();
    }

    /// Pieces on hand of everything.
    pub async fn on_hand(&self) -> i64 {
        self.number("SELECT CAST(sum(on_hand) AS bigint) FROM stock")
            .await
    }

    /// How many orders there are.
    pub async fn orders(&self) -> i64 {
        self.number("SELECT count(*) FROM orders").await
    }
}

impl Client {
    /// Moves an order.
    pub async fn step(&self, order: &str, to: Status) -> Result<Order, tonic::Status> {
        let request = UpdateOrderStatusRequest {
            id: order.into(),
            status: to as i32,
            ..Default::default()
        };
        let answer = self.orders().update_order_status(request).await?;
        Ok(answer.into_inner().order.unwrap())
    }

    /// An order as the caller sees it.
    pub async fn see(&self, order: &str, token: Option<&str>) -> Result<Order, tonic::Status> {
        let request = GetOrderRequest {
            id: order.into(),
            guest_token: token.map(str::to_owned),
        };
        let answer = self.orders().get_order(request).await?;
        Ok(answer.into_inner().order.unwrap())
    }
}
