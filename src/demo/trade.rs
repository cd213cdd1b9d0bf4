//! The trade along the supply chain: an importer and a wholesaler come to terms, and
//! retailers bid against each other while one of them watches.

use std::time::Duration;

use anyhow::{Result, ensure};
use chrono::DateTime;
use serde_json::{Value, json};

use super::call::{Call, Client};
use super::events::Events;
use super::sign_in;
use super::story::text;
use crate::kernel::Clock;

/// How long the auction is open: as short as the demo's own setting allows.
const OPEN: Duration = Duration::from_secs(4);

pub(super) async fn play(client: &Client) -> Result<()> {
    let importer = trader(client, "0550300001", "Import Sahel", "IMPORTATEUR").await?;
    let wholesaler = trader(client, "0550300002", "Gros El Harrach", "GROSSISTE").await?;
    let first = trader(client, "0550300003", "Alimentation Hydra", "FOURNISSEUR").await?;
    let second = trader(client, "0550300004", "Superette Kouba", "FOURNISSEUR").await?;
    negotiate(client, &importer, &wholesaler).await?;
    auction(client, &wholesaler, (&first, &second)).await
}

/// A seller with a store, who says which tier it is.
async fn trader(client: &Client, phone: &str, name: &str, tier: &str) -> Result<String> {
    let token = sign_in(client, phone, "STORE_OWNER").await?;
    let store = json!({
        "name": name, "phone": phone,
        "address": {"street": "Zone industrielle", "city": "Alger", "wilaya": "16",
                    "country": "DZ", "latitude": 36.72, "longitude": 3.13},
    });
    let store = Call::new("a store", "StoreService/CreateStore", store);
    client.quiet(store.by(&token)).await?;
    let role = json!({"role": "STORE_OWNER", "sellerCategory": tier});
    let role = Call::new("a tier", "AuthService/SyncRole", role);
    client.quiet(role.by(&token)).await?;
    Ok(token)
}

/// An offer is answered, countered and agreed upon: there is an order.
async fn negotiate(client: &Client, importer: &str, wholesaler: &str) -> Result<()> {
    let offer = json!({
        "title": "Semoule fine, sacs de 25 kg", "basePrice": "240000", "minQuantity": 20,
        "availableQuantity": 500, "tags": ["semoule"],
        "priceTiers": [{"minQuantity": 200, "unitPrice": "225000"}],
    });
    let title = "An importer offers to wholesalers; nobody else in the chain sees it";
    let made = Call::new(title, "B2bService/CreateOffer", offer).by(importer);
    let offer = text(&client.show(made).await?["offer"]["id"])?;
    let terms = json!({
        "offerId": offer, "amount": "220000", "quantity": 100, "message": "Payé comptant",
    });
    let title = "A wholesaler proposes terms";
    let proposed = Call::new(title, "B2bService/SubmitResponse", terms).by(wholesaler);
    let id = text(&client.show(proposed).await?["response"]["id"])?;
    let counter = json!({"id": id, "round": 1, "amount": "228000"});
    let title = "The importer counters";
    let counter = Call::new(title, "B2bService/CounterResponse", counter).by(importer);
    client.show(counter).await?;
    let accept = json!({"id": id, "round": 2});
    let title = "The wholesaler accepts the terms of round 2: they become an order";
    let accept = Call::new(title, "B2bService/AcceptResponse", accept).by(wholesaler);
    let agreed = client.show(accept).await?;
    ensure!(agreed["response"]["status"] == "ACCEPTED", "no deal");
    Ok(())
}

/// An auction with a maximum bid behind it, from the first bid to the order of the winner.
async fn auction(client: &Client, wholesaler: &str, (first, second): (&str, &str)) -> Result<()> {
    let now = Clock::system().now();
    let at = |micros: i64| DateTime::from_timestamp_micros(micros).map(|time| time.to_rfc3339());
    let lot = json!({
        "title": "Huile 5 L, la palette", "basePrice": "8000000", "availableQuantity": 1,
        "offerType": "AUCTION", "bidIncrement": "100000", "reservePrice": "8500000",
        "startsAt": at(now.micros()), "endsAt": at((now + OPEN).micros()),
    });
    let title = "A wholesaler auctions a pallet among retailers";
    let made = Call::new(title, "B2bService/CreateOffer", lot).by(wholesaler);
    let id = text(&client.show(made).await?["offer"]["id"])?;
    let watch = json!({"id": id});
    let url = client.url("B2bService/WatchOffer", &watch)?;
    println!("\n\u{1b}[1m── A retailer watches it; bids arrive live, bidders are numbers\u{1b}[0m");
    println!("curl -sN -H 'authorization: Bearer {}' '{url}'", first);
    let answer = client.http().get(&url).bearer_auth(first);
    let mut events = Events::new(answer.send().await?);
    told(&mut events, "SNAPSHOT").await?;
    let bid = |title, by: &str, amount: &str, most: Option<&str>| {
        let bid = match most {
            Some(most) => json!({"offerId": id, "amount": amount, "maxAmount": most}),
            None => json!({"offerId": id, "amount": amount}),
        };
        Call::new(title, "B2bService/SubmitResponse", bid).by(by)
    };
    let title = "It bids, up to a maximum that nobody learns";
    client
        .show(bid(title, first, "8000000", Some("8800000")))
        .await?;
    told(&mut events, "NEW_BID").await?;
    let title = "Another retailer bids; the first one's maximum answers";
    client.show(bid(title, second, "8600000", None)).await?;
    told(&mut events, "NEW_BID").await?;
    client.quiet(bid("a bid", second, "9000000", None)).await?;
    told(&mut events, "AUCTION_WON").await?;
    let won = json!({"status": "ACCEPTED"});
    let title = "The auction is over: the winner's bid is an order";
    let won = Call::new(title, "B2bService/ListMyResponses", won).by(second);
    let won = client.show(won).await?;
    let order = json!({"id": text(&won["responses"][0]["orderId"])?});
    let order = Call::new(
        "It goes its way as any other",
        "OrderService/GetOrder",
        order,
    );
    client.show(order.by(second)).await?;
    let numbers = Call::new(
        "The wholesaler's numbers",
        "AnalyticsService/GetB2bStats",
        json!({}),
    );
    client.show(numbers.by(wholesaler)).await.map(drop)
}

/// Prints what is told until a message of such a type.
async fn told(events: &mut Events, wanted: &str) -> Result<()> {
    loop {
        let message = events.find(|_| true).await?;
        let kind = text(&message["type"])?;
        let shown: &Value = match message["bid"].is_null() {
            true => &message["offer"]["auction"]["currentBid"],
            false => &message["bid"],
        };
        println!("   event: {kind} {shown}");
        if kind == wanted {
            return Ok(());
        }
        ensure!(kind != "OFFER_EXPIRED", "nobody won the auction");
    }
}
