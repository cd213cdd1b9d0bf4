//! The main job, played through the API: a customer signs in by phone, finds a store
//! nearby, fills a cart, orders exactly once, and watches the order being delivered.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::call::{Call, Client};
use super::events::Events;
use super::{CODE, market::Market, reels};

const PHONE: &str = "0555123456";

/// Plays the story; gives the customer's access token so that the reader can go on.
pub(super) async fn play(client: &Client, market: &Market) -> Result<String> {
    let customer = sign_in(client).await?;
    let product = shop(client, &customer).await?;
    let order = checkout(client, &customer, &product).await?;
    let seller = market.sellers.get(&text(&order["storeId"])?);
    deliver(
        client,
        &customer,
        seller.context("the store's seller")?,
        &order,
    )
    .await?;
    guest(client, &product).await?;
    reels::play(
        client,
        seller.context("the store's seller")?,
        &customer,
        &product,
    )
    .await?;
    Ok(customer)
}

async fn sign_in(client: &Client) -> Result<String> {
    let send = json!({"phone": PHONE});
    client
        .show(Call::new(
            "A customer asks for a one-time password",
            "AuthService/RequestOtp",
            send,
        ))
        .await?;
    let verify = json!({"phone": PHONE, "otp": CODE, "role": "CUSTOMER"});
    let signed_in = client
        .show(Call::new(
            "and signs in with it",
            "AuthService/VerifyOtp",
            verify,
        ))
        .await?;
    let token = text(&signed_in["accessToken"])?;
    client
        .show(Call::new("Who am I?", "UserService/GetMe", json!({})).by(&token))
        .await?;
    Ok(token)
}

async fn shop(client: &Client, customer: &str) -> Result<String> {
    let here = json!({"latitude": 36.7853, "longitude": 3.0553, "radius": 5, "limit": 3});
    let nearby = client
        .show(Call::new(
            "Stores within 5 km of the Grande Poste",
            "StoreService/ListNearbyStores",
            here,
        ))
        .await?;
    let store = text(&nearby["stores"][0]["id"])?;
    let search = json!({"search": "cous", "limit": 2});
    client
        .show(Call::new(
            "Search as they type",
            "CatalogService/ListProducts",
            search,
        ))
        .await?;
    let shelf = json!({"storeId": store, "sort": "PRICE_ASC", "limit": 2});
    let shelf = client
        .show(Call::new(
            "The cheapest on the nearest store's shelf",
            "CatalogService/ListProducts",
            shelf,
        ))
        .await?;
    let (first, second) = (&shelf["products"][0]["id"], &shelf["products"][1]["id"]);
    for (product, quantity) in [(first, 3), (second, 1)] {
        let line = json!({"productId": product, "quantity": quantity});
        client
            .show(Call::new("Into the cart", "CartService/AddItem", line).by(customer))
            .await?;
    }
    client
        .show(
            Call::new(
                "Would this cart go through?",
                "CartService/ValidateCart",
                json!({}),
            )
            .by(customer),
        )
        .await?;
    text(first)
}

async fn checkout(client: &Client, customer: &str, product: &str) -> Result<Value> {
    let shelf = json!({"id": product});
    let shelf = client
        .quiet(Call::new("the product", "CatalogService/GetProduct", shelf))
        .await?;
    let checkout = json!({
        "storeId": shelf["product"]["storeId"],
        "customerName": "Amine Cherif",
        "deliveryType": "HOME",
        "customerWilaya": "Alger",
        "commune": "Sidi M'Hamed",
        "shippingAddress": "12 Rue Didouche Mourad, 3e étage",
        "paymentMethod": "COD",
    });
    let key = "demo-checkout-1";
    let place = |title| {
        Call::new(title, "OrderService/PlaceOrder", checkout.clone())
            .by(customer)
            .once(key)
    };
    let placed = client
        .show(place("The order, with an Idempotency-Key"))
        .await?;
    let again = client
        .show(place(
            "The answer was lost? The same call again gives the same order",
        ))
        .await?;
    ensure!(placed == again, "the repeat made another order");
    Ok(placed["order"].clone())
}

/// The store works while the customer watches over server-sent events.
async fn deliver(client: &Client, customer: &str, seller: &str, order: &Value) -> Result<()> {
    let id = json!({"id": order["id"]});
    let url = client.url("OrderService/WatchOrder", &id)?;
    println!("\n\u{1b}[1m── The customer watches the order\u{1b}[0m");
    println!("curl -sN -H 'authorization: Bearer {customer}' '{url}'");
    let answer = client.http().get(&url).bearer_auth(customer).send().await?;
    let mut events = Events::new(answer);
    next_status(&mut events, "PENDING").await?;
    for status in [
        "CONFIRMED",
        "PROCESSING",
        "SHIPPED",
        "OUT_FOR_DELIVERY",
        "DELIVERED",
    ] {
        let mut wish = id.clone();
        wish["status"] = json!(status);
        if status == "SHIPPED" {
            wish["trackingNumber"] = json!("YAL-2041337");
        }
        client
            .show(
                Call::new(
                    "The store moves the order",
                    "OrderService/UpdateOrderStatus",
                    wish,
                )
                .by(seller),
            )
            .await?;
        next_status(&mut events, status).await?;
    }
    client
        .show(Call::new("Its whole history", "OrderService/GetOrder", id).by(customer))
        .await?;
    Ok(())
}

/// Waits for the event that shows the order in a status, and prints it.
async fn next_status(events: &mut Events, status: &str) -> Result<()> {
    let shows = |message: &Value| message["order"]["status"] == status;
    let message = events.find(shows).await?;
    println!(
        "   event: {} → {status}",
        message["type"].as_str().unwrap_or_default()
    );
    Ok(())
}

async fn guest(client: &Client, product: &str) -> Result<()> {
    let order = json!({
        "items": [{"productId": product, "quantity": 1}],
        "customerName": "Nadia Saadi",
        "customerPhone": "0662987654",
        "customerWilaya": "31",
        "shippingAddress": "5 Rue Larbi Ben M'hidi, Oran",
    });
    let placed = client
        .show(
            Call::new(
                "A guest orders without an account",
                "OrderService/PlaceOrder",
                order,
            )
            .once("demo-guest-1"),
        )
        .await?;
    let track = json!({"orderNumber": placed["order"]["orderNumber"], "phone": "0662987654"});
    client
        .show(Call::new(
            "and finds it again by number and phone",
            "OrderService/TrackGuestOrder",
            track,
        ))
        .await?;
    Ok(())
}

pub(super) fn text(value: &Value) -> Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("the answer lacks a field: {value}"))
}
