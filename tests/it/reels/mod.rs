//! Reels: their life, who sees them, comments, how they are received, and what moderators
//! do.

mod comments;
mod life;
mod likes;
mod lists;
mod moderation;
mod sight;
mod views;
mod watch;
mod words;

use serde_json::{Value, json};
use souk::pb::souk::reels::v1::{
    LikeReelRequest, ListLikesRequest, ListLikesResponse, RecordViewRequest, UnlikeReelRequest,
};
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
    let reel = app
        .reel_called(&seller, &product, "Première pression")
        .await;
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

/// A seller with a reel that is shown.
async fn shown(app: &TestApp) -> (Seller, String) {
    let seller = app.seller().await;
    let product = seller.product("Couscous fin", 18_000, 50).await;
    let reel = app.reel(&seller, &product.id).await;
    (seller, reel)
}

/// Likes a reel; gives how many do now.
async fn like(by: &Client, reel: &str) -> Result<i32, Status> {
    let request = LikeReelRequest { id: reel.into() };
    let answer = by.reels().like_reel(request).await?.into_inner();
    assert_eq!((answer.is_liked, answer.reel_id.as_str()), (true, reel));
    Ok(answer.likes_count)
}

/// Takes a like back; gives how many like it now.
async fn unlike(by: &Client, reel: &str) -> Result<i32, Status> {
    let request = UnlikeReelRequest { id: reel.into() };
    let answer = by.reels().unlike_reel(request).await?.into_inner();
    assert_eq!((answer.is_liked, answer.reel_id.as_str()), (false, reel));
    Ok(answer.likes_count)
}

async fn list(by: &Client, request: ListLikesRequest) -> ListLikesResponse {
    by.reels().list_likes(request).await.unwrap().into_inner()
}

/// Views a reel; says whether it counts.
async fn view(by: &Client, reel: &str) -> Result<bool, Status> {
    let request = RecordViewRequest { id: reel.into() };
    Ok(by.reels().record_view(request).await?.into_inner().counted)
}

/// The value under which the database keeps an id.
fn key(id: &str) -> sea_orm::Value {
    let id: souk::kernel::id::ReelId = id.parse().unwrap();
    id.uuid().into()
}

/// The sum of a count of the only reel, taken over or not.
async fn count(app: &TestApp, column: &str) -> i64 {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM({column}), 0) AS bigint) FROM \
         (SELECT {column} FROM reel_stats UNION ALL SELECT {column} FROM reel_deltas) counts"
    );
    app.number(&sql).await
}
