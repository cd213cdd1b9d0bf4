//! Who may call what of orders.

use super::Refusal::{Denied, Hidden, Unproven};
use super::Who::{Admin, Buyer, Seller, Staff};
use super::{EVERYONE, Row, SIGNED_IN, STORE, Step, row};

pub const ROWS: &[Row] = &[
    row(
        "OrderService/PlaceOrder",
        r#"{"items":[{"productId":"$product","quantity":1}],"customerName":"Amine B","customerPhone":"0551000000","customerWilaya":"16","shippingAddress":"12 Rue Didouche Mourad"}"#,
        EVERYONE,
        Denied,
    ).declining(&[(Seller, "OWN_PRODUCT")]),
    row(
        "OrderService/QuoteOrder",
        r#"{"items":[{"productId":"$product","quantity":1}],"customerWilaya":"16"}"#,
        EVERYONE,
        Denied,
    ),
    row(
        "OrderService/GetOrder",
        r#"{"id":"$order"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row(
        "OrderService/GetOrderByNumber",
        r#"{"number":"$number"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row("OrderService/ListMyOrders", "{}", SIGNED_IN, Denied),
    row(
        "OrderService/ListSellerOrders",
        r#"{"storeId":"$store"}"#,
        STORE,
        Denied,
    ),
    row(
        "OrderService/ListOrderHistory",
        r#"{"id":"$order"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row(
        "OrderService/GetOrderSummary",
        r#"{"storeId":"$store"}"#,
        STORE,
        Denied,
    ),
    row(
        "OrderService/UpdateOrderStatus",
        r#"{"id":"$order","status":"CONFIRMED"}"#,
        &[Seller, Staff, Admin],
        Hidden,
    )
    .knowing(&[Buyer]),
    row(
        "OrderService/CancelOrder",
        r#"{"id":"$order"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row(
        "OrderService/RequestReturn",
        r#"{"id":"$order","reason":"It is not what I ordered"}"#,
        &[Buyer],
        Hidden,
    ).after(&[Step::Call(Seller, "OrderService/UpdateOrderStatus", r#"{"id":"$order","status":"CONFIRMED"}"#), Step::Call(Seller, "OrderService/UpdateOrderStatus", r#"{"id":"$order","status":"PROCESSING"}"#), Step::Call(Seller, "OrderService/UpdateOrderStatus", r#"{"id":"$order","status":"READY"}"#), Step::Call(Seller, "OrderService/UpdateOrderStatus", r#"{"id":"$order","status":"SHIPPED"}"#), Step::Call(Seller, "OrderService/UpdateOrderStatus", r#"{"id":"$order","status":"DELIVERED"}"#)])
    .knowing(&[Seller, Staff, Admin]),
    row(
        "OrderService/TrackGuestOrder",
        r#"{"orderNumber":"$guest_number","phone":"0662000002"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "OrderService/ListGuestOrders",
        r#"{"phone":"0551000001"}"#,
        &[Buyer],
        Unproven,
    ),
    row(
        "OrderService/WatchOrder",
        r#"{"id":"$order"}"#,
        &[Buyer, Seller, Staff, Admin],
        Hidden,
    ),
    row("OrderService/WatchMyOrders", "{}", SIGNED_IN, Denied),
    row(
        "OrderService/WatchSellerOrders",
        r#"{"storeId":"$store"}"#,
        STORE,
        Denied,
    ),
];
