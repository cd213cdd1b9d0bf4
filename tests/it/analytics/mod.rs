//! Numbers for sellers.

mod trade;

use serde_json::{Value, json};
use souk::kernel::id::{OrderId, ReelId};
use souk::pb::souk::analytics::v1::{
    GetSellerStatsRequest, ListReelSalesRequest, ReelSales, SellerStats,
};
use souk::pb::souk::orders::v1::order::Status;
use souk::pb::souk::orders::v1::{CancelOrderRequest, Order};
use tonic::Code;

use crate::support::clients::statements;
use crate::support::{Client, Seller, ShippingTo, TestApp, reason};

async fn stats(of: &Client, store: &str) -> Result<SellerStats, tonic::Status> {
    let request = GetSellerStatsRequest {
        store_id: store.into(),
    };
    let answer = of.analytics().get_seller_stats(request).await?;
    Ok(answer.into_inner().stats.unwrap())
}

async fn sales(of: &Client, request: ListReelSalesRequest) -> Vec<ReelSales> {
    let answer = of.analytics().list_reel_sales(request).await.unwrap();
    answer.into_inner().sales
}

impl TestApp {
    /// An order of some pieces that a reel led to.
    async fn led(&self, product: &str, quantity: i32, reel: &str) -> Order {
        let mut request = ShippingTo::algiers(&[(product, quantity)]);
        request.items[0].reel_id = Some(reel.into());
        let placed = self.customer().await.orders().place_order(request).await;
        placed.unwrap().into_inner().order.unwrap()
    }

    /// Counts that were taken over, and counts that wait for it.
    async fn received(&self, reel: &str, counted: [i64; 3], waiting: [i64; 3]) {
        let id: ReelId = reel.parse().unwrap();
        for (table, [viewed, liked, unliked]) in [("reel_stats", counted), ("reel_deltas", waiting)]
        {
            let sql = format!(
                "INSERT INTO {table} (reel_id, liked, unliked, commented, uncommented, viewed) \
                 VALUES ($1, $2, $3, 0, 0, $4)"
            );
            let values = [
                id.uuid().into(),
                liked.into(),
                unliked.into(),
                viewed.into(),
            ];
            self.execute(&sql, values).await;
        }
    }
}

impl Seller {
    /// Hands an order over, which pays it.
    async fn deliver(&self, order: &Order) {
        for status in [
            Status::Confirmed,
            Status::Processing,
            Status::Shipped,
            Status::Delivered,
        ] {
            self.client.step(&order.id, status).await.unwrap();
        }
    }

    async fn act(&self, rpc: &str, request: Value) {
        self.client.call(rpc, &request.to_string()).await.unwrap();
    }
}

#[tokio::test]
async fn the_numbers_tell_products_orders_revenue_and_reels() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let oil = seller.product("Argan oil", 1_000, 50).await;
    seller.product("Rose water", 500, 0).await;
    let away = seller.product("Copper lamp", 700, 5).await;
    seller
        .act("CatalogService/UnpublishProduct", json!({"id": away.id}))
        .await;
    let gone = seller.product("Clay vase", 600, 5).await;
    seller
        .act("CatalogService/DeleteProduct", json!({"id": gone.id}))
        .await;
    let reel = app.reel(&seller, &oil.id).await;
    app.received(&reel, [5, 4, 1], [2, 1, 0]).await;

    let led = app.led(&oil.id, 3, &reel).await;
    let plain = app.customer().await.order(&oil.id, 1).await;
    let old = app.customer().await.order(&oil.id, 2).await;
    app.customer().await.order(&oil.id, 1).await;
    for order in [&led, &plain, &old] {
        seller.deliver(order).await;
    }
    let id: OrderId = old.id.parse().unwrap();
    let before = app.clock.now().micros() - 31 * 24 * 60 * 60 * 1_000_000;
    let move_back = "UPDATE orders SET created_at = $2 WHERE id = $1";
    app.execute(move_back, [id.uuid().into(), before.into()])
        .await;

    let seen = stats(&seller.client, "").await.unwrap();
    let products = seen.products.unwrap();
    let counts = (products.total, products.active, products.out_of_stock);
    assert_eq!(counts, (3, 2, 1));
    let orders = seen.orders.unwrap();
    assert_eq!((orders.total, orders.pending), (4, 1));
    let revenue = seen.revenue.unwrap();
    let total = led.total + plain.total + old.total;
    assert_eq!(revenue.total, total);
    assert_eq!(revenue.monthly, led.total + plain.total);
    assert_eq!(revenue.avg_order_value, total / 3);
    assert_eq!(revenue.currency, "DZD");
    let reels = seen.reels.unwrap();
    assert_eq!(
        (reels.total, reels.total_views, reels.total_likes),
        (1, 7, 4)
    );
    assert_eq!((reels.orders, reels.revenue), (1, 3_000));
    // The same numbers by the name of the store, for somebody who may know them.
    let named = stats(&app.admin().await, &seller.store).await.unwrap();
    assert_eq!(named.revenue.unwrap(), revenue);
}

#[tokio::test]
async fn without_a_store_all_numbers_are_zero() {
    let app = TestApp::start().await;
    let nothing = stats(&app.customer().await, "").await.unwrap();
    let revenue = nothing.revenue.unwrap();
    assert_eq!((revenue.total, revenue.avg_order_value), (0, 0));
    assert_eq!(revenue.currency, "DZD");
    assert_eq!(nothing.products.unwrap().total, 0);
    assert_eq!(nothing.orders.unwrap().total, 0);
    assert_eq!(nothing.reels.unwrap().total, 0);
    let none = sales(&app.customer().await, ListReelSalesRequest::default()).await;
    assert_eq!(none, []);
}

#[tokio::test]
async fn numbers_are_for_members_as_long_as_they_are() {
    let app = TestApp::start().await;
    let (seller, rival) = (app.seller().await, app.seller().await);
    let oil = seller.product("Argan oil", 1_000, 50).await;
    app.customer().await.order(&oil.id, 1).await;
    let staff = app.customer().await;
    let member = json!({"storeId": seller.store, "userId": staff.user_id, "role": "STAFF"});
    seller.act("StoreService/AddManager", member.clone()).await;
    for store in ["", &*seller.store] {
        let seen = stats(&staff, store).await.unwrap();
        assert_eq!(seen.orders.unwrap().total, 1, "{store:?}");
    }
    let member = json!({"storeId": seller.store, "userId": staff.user_id});
    seller.act("StoreService/RemoveManager", member).await;
    // Cached or not, they are not theirs any more.
    let seen = stats(&staff, "").await.unwrap();
    assert_eq!(seen.orders.unwrap().total, 0);
    for stranger in [&staff, &rival.client] {
        let refused = stats(stranger, &seller.store).await.unwrap_err();
        assert_eq!(
            (refused.code(), &*reason(&refused)),
            (Code::NotFound, "NOT_FOUND")
        );
    }
    let guest = stats(&app.guest().await, "").await.unwrap_err();
    assert_eq!(guest.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn numbers_are_counted_by_four_statements_and_then_kept() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let oil = seller.product("Argan oil", 1_000, 50).await;
    let request = || GetSellerStatsRequest {
        store_id: seller.store.clone(),
    };
    stats(&seller.client, "").await.unwrap();
    app.settle().await;
    let mut analytics = seller.client.analytics();
    let first = analytics.get_seller_stats(request()).await.unwrap();
    assert!(statements(&first) <= 5, "{}", statements(&first));
    app.customer().await.order(&oil.id, 1).await;
    app.settle().await;
    stats(&seller.client, &seller.store).await.unwrap();
    let again = analytics.get_seller_stats(request()).await.unwrap();
    assert_eq!(statements(&again), 0);
    assert_eq!(again.into_inner(), first.into_inner());
}

#[tokio::test]
async fn money_of_other_currencies_is_not_added_up() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let oil = seller.product("Argan oil", 1_000, 50).await;
    let order = app.customer().await.order(&oil.id, 1).await;
    seller.deliver(&order).await;
    app.execute("UPDATE orders SET currency = 'EUR'", []).await;
    let seen = stats(&seller.client, "").await.unwrap();
    let revenue = seen.revenue.unwrap();
    assert_eq!((revenue.total, revenue.avg_order_value), (0, 0));
    assert_eq!(seen.orders.unwrap().total, 1);
}

#[tokio::test]
async fn what_was_handed_over_and_came_back_brought_nothing() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let oil = seller.product("Argan oil", 1_000, 50).await;
    let reel = app.reel(&seller, &oil.id).await;
    let order = app.led(&oil.id, 3, &reel).await;
    let brought = async |store: &str, revenue: i64, orders: i32| {
        // Numbers are kept: each look is at others.
        let seen = stats(&seller.client, store).await.unwrap();
        let (told, reels) = (seen.revenue.unwrap(), seen.reels.unwrap());
        assert_eq!((told.total, told.monthly), (revenue, revenue));
        assert_eq!(told.avg_order_value, revenue);
        assert_eq!((reels.orders, reels.revenue > 0), (orders, revenue > 0));
        let sold = sales(&seller.client, ListReelSalesRequest::default()).await;
        assert_eq!((sold[0].orders, sold[0].pieces), (orders, 3 * orders));
        assert_eq!(sold[0].revenue, reels.revenue);
        assert_eq!(seen.orders.unwrap().total, 1);
    };
    seller.deliver(&order).await;
    brought("", order.total, 1).await;
    let returned = seller.client.step(&order.id, Status::Returned).await;
    returned.unwrap();
    brought(&seller.store, 0, 0).await;
}

#[tokio::test]
async fn each_reel_tells_what_it_sold_newest_first() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let oil = seller.product("Argan oil", 1_000, 50).await;
    let mut reels = Vec::new();
    for _ in 0..3 {
        reels.push(app.reel(&seller, &oil.id).await);
        app.advance(std::time::Duration::from_millis(5));
    }
    let rival = app.seller().await;
    let lamp = rival.product("Copper lamp", 700, 50).await;
    let foreign = app.reel(&rival, &lamp.id).await;
    app.led(&lamp.id, 1, &foreign).await;
    app.received(&reels[0], [5, 0, 0], [2, 0, 0]).await;
    seller.deliver(&app.led(&oil.id, 3, &reels[0]).await).await;
    app.led(&oil.id, 2, &reels[0]).await;
    let cancelled = app.led(&oil.id, 4, &reels[0]).await;
    let cancel = CancelOrderRequest {
        id: cancelled.id,
        ..Default::default()
    };
    seller.client.orders().cancel_order(cancel).await.unwrap();

    let mut request = ListReelSalesRequest {
        limit: 2,
        ..Default::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = seller
            .client
            .analytics()
            .list_reel_sales(request.clone())
            .await;
        let page = page.unwrap().into_inner();
        seen.extend(page.sales);
        request.page_token = page.meta.unwrap().next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let ids: Vec<_> = seen.iter().rev().map(|one| one.reel_id.clone()).collect();
    assert_eq!(ids, reels);
    let expected = ReelSales {
        reel_id: reels[0].clone(),
        product_id: oil.id.clone(),
        caption: "Look at this".into(),
        views_count: 7,
        orders: 2,
        pieces: 5,
        revenue: 3_000,
        currency: "DZD".into(),
    };
    assert_eq!(seen[2], expected);
    assert_eq!((seen[1].orders, seen[1].pieces, seen[1].revenue), (0, 0, 0));

    let numbered = ListReelSalesRequest {
        store_id: seller.store.clone(),
        limit: 2,
        page: 2,
        ..Default::default()
    };
    let mut analytics = seller.client.analytics();
    let page = analytics
        .list_reel_sales(numbered)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.sales.len(), 1);
    assert_eq!(page.meta.unwrap().total, Some(3));
}

#[tokio::test]
async fn the_sales_of_many_reels_take_three_statements() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let oil = seller.product("Argan oil", 1_000, 50).await;
    for _ in 0..5 {
        let reel = app.reel(&seller, &oil.id).await;
        app.led(&oil.id, 1, &reel).await;
    }
    app.settle().await;
    let request = ListReelSalesRequest {
        store_id: seller.store.clone(),
        ..Default::default()
    };
    let mut analytics = seller.client.analytics();
    analytics.list_reel_sales(request.clone()).await.unwrap();
    let page = analytics.list_reel_sales(request).await.unwrap();
    assert_eq!(statements(&page), 3);
    assert_eq!(page.into_inner().sales.len(), 5);
}
