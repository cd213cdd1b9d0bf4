//! Reels: how they are received.

mod likes;
mod views;
mod watch;

use souk::pb::souk::reels::v1::{
    LikeReelRequest, ListLikesRequest, ListLikesResponse, RecordViewRequest, UnlikeReelRequest,
};
use tonic::Status;

use crate::support::{Client, Seller, TestApp};

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
