//! What a call that ran out of time, or out of luck, leaves behind.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};
use souk::db::Dialect;
use souk::pb::souk::orders::v1::ListMyOrdersRequest;
use tonic::{Code, Request};

use crate::support::{Client, Seller, ShippingTo, TestApp, reason};

/// Holds the stock of every product, as a slow colleague would.
async fn hold_stock(app: &TestApp) -> DatabaseTransaction {
    let held = app.db.read().begin().await.unwrap();
    let sql = "SELECT id FROM stock FOR UPDATE";
    let rows = held
        .query_all_raw(app.db.dialect().statement(sql, []))
        .await
        .unwrap();
    assert!(!rows.is_empty());
    held
}

/// Statements of the server that run or wait now.
async fn at_work(app: &TestApp) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name = 'souk' AND pid <> pg_backend_pid() \
               AND (state = 'active' OR state = 'idle in transaction (aborted)')";
    app.number(sql).await
}

async fn place(buyer: &Client, product: &str, time: Option<Duration>) -> Result<(), tonic::Status> {
    let mut request = Request::new(ShippingTo::algiers(&[(product, 1)]));
    if let Some(time) = time {
        request.set_timeout(time);
    }
    buyer.orders().place_order(request).await.map(drop)
}

async fn shop(app: &TestApp) -> (Seller, String, Client) {
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await.id;
    (seller, product, app.customer().await)
}

#[tokio::test]
async fn the_database_stops_working_for_a_caller_who_has_gone() {
    let app = TestApp::start().await;
    if app.db.dialect() == Dialect::Sqlite {
        return; // Runs in this process: dropped with the call.
    }
    let (_seller, product, buyer) = shop(&app).await;
    let held = hold_stock(&app).await;
    let began = Instant::now();
    let late = place(&buyer, &product, Some(Duration::from_millis(100))).await;
    assert!(matches!(
        late.unwrap_err().code(),
        Code::DeadlineExceeded | Code::Cancelled
    ));
    // The lock is held all the while, so only the deadline can have ended the statement.
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    while at_work(&app).await > 0 {
        pace.tick().await;
        assert!(began.elapsed() < Duration::from_secs(1), "it works on");
    }
    held.rollback().await.unwrap();
    for _ in 0..9 {
        place(&buyer, &product, None).await.unwrap();
    }
    // None of the pieces went to the call that was given up.
    let refused = place(&buyer, &product, None).await.unwrap_err();
    assert_eq!(reason(&refused), "OUT_OF_STOCK");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_lock_that_is_not_free_in_time_is_a_conflict() {
    let app = TestApp::start().await;
    if app.db.dialect() == Dialect::Sqlite {
        return; // One writer: nobody waits for rows.
    }
    let (_seller, product, buyer) = shop(&app).await;
    let held = hold_stock(&app).await;
    let refused = place(&buyer, &product, None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!(reason(&refused), "CONFLICT");
    held.rollback().await.unwrap();
    place(&buyer, &product, None).await.unwrap();
}

#[tokio::test]
async fn a_pool_without_a_free_connection_is_unavailable() {
    let app = TestApp::with(&[("DATABASE_MAX_CONNECTIONS", "2")]).await;
    let buyer = app.customer().await;
    let pool = app.running.app.db.read();
    let held = [pool.begin().await.unwrap(), pool.begin().await.unwrap()];
    let began = Instant::now();
    let list = || async {
        buyer
            .orders()
            .list_my_orders(ListMyOrdersRequest::default())
            .await
    };
    let refused = list().await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(reason(&refused), "UNAVAILABLE");
    assert!(began.elapsed() < Duration::from_secs(4));
    for held in held {
        held.rollback().await.unwrap();
    }
    list().await.unwrap();
}
