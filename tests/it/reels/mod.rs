//! Reels: their life, who sees them, comments, and what moderators do.

mod comments;
mod life;
mod lists;
mod moderation;
mod sight;
mod words;

use serde_json::{Value, json};
use tonic::Status;

use crate::support::{Client, Seller, TestApp};

/// Calls an RPC of reels.
async fn ask(by: &Client, rpc: &str, request: Value) -> Result<Value, Status> {
    by.call(&format!("ReelService/{rpc}"), &request.to_string())
        .await
}

/// The reel as a caller is shown it.
async fn get(by: &Client, reel: &Value) -> Result<Value, Status> {
    let answer = ask(by, "GetReel", json!({"id": reel["id"]})).await?;
    Ok(answer["reel"].clone())
}

/// A seller with a product on sale and a reel of it.
async fn shop(app: &TestApp) -> (Seller, String, Value) {
    let seller = app.seller().await;
    let product = seller.product("Huile d'argan", 1000, 5).await.id;
    let reel = app.reel(&seller, &product, "Première pression").await;
    (seller, product, reel)
}

async fn comment(by: &Client, reel: &Value, content: &str) -> Result<Value, Status> {
    let request = json!({"id": reel["id"], "content": content});
    let answer = ask(by, "AddComment", request).await?;
    Ok(answer["comment"].clone())
}

/// How many comments a reel is said to have.
async fn comments_of(by: &Client, reel: &Value) -> i64 {
    let reel = get(by, reel).await.unwrap();
    reel["stats"]["commentsCount"].as_i64().unwrap()
}

/// The texts of the comments that a caller is shown, newest first.
async fn texts(by: &Client, reel: &Value) -> Vec<String> {
    let answer = ask(by, "ListComments", json!({"id": reel["id"]})).await;
    let answer = answer.unwrap();
    let comments = answer["comments"].as_array().unwrap().iter();
    comments
        .map(|comment| comment["content"].as_str().unwrap().to_owned())
        .collect()
}
