//! A reel that sells: a seller sends a video, people like it while others watch, and one of
//! them buys what it shows.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::call::{Call, Client};
use super::events::Events;
use super::sign_in;
use super::story::text;
use super::video;

/// Who likes the reel.
const FANS: [&str; 5] = [
    "0555200001",
    "0555200002",
    "0555200003",
    "0555200004",
    "0555200005",
];
/// How often the demo looks whether the video is measured, and how many times.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: usize = 100;

pub(super) async fn play(
    client: &Client,
    seller: &str,
    customer: &str,
    product: &str,
) -> Result<()> {
    let media = upload(client, seller).await?;
    let reel = publish(client, seller, product, &media).await?;
    watch(client, &reel).await?;
    buy(client, seller, customer, product, &reel).await
}

/// Makes a reel of a product without a word; it is shown soon.
pub(super) async fn film(
    client: &Client,
    seller: &str,
    product: &Value,
    caption: &Value,
) -> Result<()> {
    let announced = client.quiet(announcement("a video").by(seller)).await?;
    send(client, &announced).await?;
    let id = &announced["media"]["id"];
    let there = json!({"id": id});
    let there = Call::new("its bytes", "MediaService/CompleteUpload", there);
    client.quiet(there.by(seller)).await?;
    let reel = json!({"productId": product, "caption": caption, "videoMediaId": id});
    let reel = Call::new("a reel", "ReelService/CreateReel", reel);
    client.quiet(reel.by(seller)).await.map(drop)
}

/// Announces a video, sends its bytes past the API, and has them checked.
async fn upload(client: &Client, seller: &str) -> Result<String> {
    let announce = announcement("A seller announces a video").by(seller);
    let announced = client.show(announce).await?;
    println!("\n\u{1b}[1m── and sends it straight to the object store\u{1b}[0m");
    println!("{}", send(client, &announced).await?);
    let id = text(&announced["media"]["id"])?;
    let title = "Then its bytes are checked";
    let there = json!({"id": id});
    client
        .show(Call::new(title, "MediaService/CompleteUpload", there).by(seller))
        .await?;
    Ok(id)
}

fn announcement(title: &'static str) -> Call {
    let announce = json!({
        "purpose": "REEL_VIDEO",
        "fileName": "reel.mp4",
        "contentType": "video/mp4",
        "size": video::mp4().len(),
    });
    Call::new(title, "MediaService/CreateUpload", announce)
}

/// Sends the bytes of an announced video; gives the curl that does the same.
async fn send(client: &Client, announced: &Value) -> Result<String> {
    let url = text(&announced["uploadUrl"])?;
    let mut put = client.http().put(&url).body(video::mp4());
    let mut line = "curl -s -X PUT --data-binary @reel.mp4".to_owned();
    for (name, value) in announced["headers"].as_object().into_iter().flatten() {
        let value = text(value)?;
        line.push_str(&format!(" -H '{name}: {value}'"));
        put = put.header(name, value);
    }
    put.send().await?.error_for_status()?;
    Ok(format!("{line} '{url}'"))
}

async fn publish(client: &Client, seller: &str, product: &str, media: &str) -> Result<String> {
    let reel = json!({
        "productId": product,
        "caption": "Roulé à la main, séché au soleil",
        "videoMediaId": media,
    });
    let made = client
        .show(Call::new("The reel", "ReelService/CreateReel", reel).by(seller))
        .await?;
    let id = text(&made["reel"]["id"])?;
    for _ in 0..LOOKS {
        let read = Call::new("the reel", "ReelService/GetReel", json!({"id": id}));
        let read = client.quiet(read.by(seller)).await?;
        if read["reel"]["status"] == "READY" {
            let read = Call::new(
                "It is shown as soon as it is measured, with price and stock as they are now",
                "ReelService/GetReel",
                json!({"id": id}),
            );
            client.show(read).await?;
            return Ok(id);
        }
        tokio::time::sleep(LOOK).await;
    }
    anyhow::bail!("the reel was not READY in time")
}

/// Likes and a comment arrive while somebody watches.
async fn watch(client: &Client, reel: &str) -> Result<()> {
    let id = json!({"id": reel});
    let url = client.url("ReelService/WatchReel", &id)?;
    println!("\n\u{1b}[1m── Anybody watches it; likes arrive live\u{1b}[0m");
    println!("curl -sN '{url}'");
    let mut events = Events::new(client.http().get(&url).send().await?);
    told(&mut events, |message| message["type"] == "STATS").await?;
    for (nth, phone) in FANS.iter().enumerate() {
        let fan = sign_in(client, phone, "CUSTOMER").await?;
        let like = Call::new("a like", "ReelService/LikeReel", id.clone()).by(&fan);
        client.quiet(like).await?;
        told(&mut events, |message| {
            message["stats"]["likesCount"] == nth + 1
        })
        .await?;
        if nth + 1 == FANS.len() {
            let comment = json!({"id": reel, "content": "Il en reste ?"});
            let comment = Call::new("a comment", "ReelService/AddComment", comment);
            client.quiet(comment.by(&fan)).await?;
        }
    }
    told(&mut events, |message| {
        message["stats"]["commentsCount"] == 1
    })
    .await
}

/// Waits for such a message and prints it.
async fn told(events: &mut Events, is_it: impl Fn(&Value) -> bool) -> Result<()> {
    let message = events.find(is_it).await?;
    println!("   event: {} {}", text(&message["type"])?, message["stats"]);
    Ok(())
}

/// Buys through the reel; the seller sees what it sold.
async fn buy(
    client: &Client,
    seller: &str,
    customer: &str,
    product: &str,
    reel: &str,
) -> Result<()> {
    let order = json!({
        "items": [{"productId": product, "quantity": 2, "reelId": reel}],
        "customerName": "Amine Cherif",
        "deliveryType": "HOME",
        "customerWilaya": "Alger",
        "shippingAddress": "12 Rue Didouche Mourad, 3e étage",
        "paymentMethod": "COD",
    });
    let title = "The order names the reel that led to it";
    let order = Call::new(title, "OrderService/PlaceOrder", order).by(customer);
    client.show(order.once("demo-reel-1")).await?;
    let title = "and the seller sees what each reel sells";
    let sales = Call::new(title, "AnalyticsService/ListReelSales", json!({})).by(seller);
    let sales = client.show(sales).await?;
    let sold = sales["sales"].as_array().context("sales")?;
    ensure!(
        sold.iter()
            .any(|it| it["reelId"] == reel && it["orders"] == 1),
        "the reel's sale is missing"
    );
    Ok(())
}
