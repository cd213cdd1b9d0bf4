//! Resume tokens: each continues one stream for one caller, and every other use of it is
//! refused alike.

use serde_json::{Value, json};
use tonic::{Code, Status};

use super::market::{Market, told};
use super::matrix::{Row, Who, rows};
use super::pages::broken;
use super::{assert_nothing, input, is_open, pool};

/// Streams that tell how something is now: there is nothing to resume.
const LATEST: &[&str] = &["ReelService/WatchReel"];

struct Begun {
    row: &'static Row,
    who: Who,
    request: Value,
    token: String,
}

/// Every stream by everyone who may watch it, with the token of its first message.
async fn begin_all(market: &Market) -> Vec<Begun> {
    let (pool, mut streams) = (pool(), Vec::new());
    let resumes = |row: &&Row| {
        let input = input(&pool, row.rpc);
        input.get_field_by_name("resume_token").is_some()
    };
    for row in rows().filter(resumes) {
        for who in row.allowed.iter().copied() {
            let request = market.request(row, who);
            let Ok(first) = market.person(who).call(row.rpc, &request).await else {
                // One who has no store at all has no feed of it.
                continue;
            };
            streams.push(Begun {
                row,
                who,
                request: serde_json::from_str(&request).unwrap(),
                token: first["resumeToken"].as_str().unwrap().to_owned(),
            });
        }
    }
    streams
}

async fn resume(market: &Market, stream: &Begun, token: &str) -> Result<Value, Status> {
    let mut request = stream.request.clone();
    request["resumeToken"] = json!(token);
    let watcher = market.person(stream.who);
    watcher.call(stream.row.rpc, &request.to_string()).await
}

fn is_refused(outcome: &Result<Value, Status>) -> bool {
    let told = outcome.as_ref().err().map(told);
    told.is_some_and(|(code, reason, _)| {
        (code, reason.as_str()) == (Code::InvalidArgument, "RESUME_TOKEN_INVALID")
    })
}

#[tokio::test]
async fn a_resume_token_serves_its_own_stream_alone() {
    let market = Market::open().await;
    let streams = begin_all(&market).await;
    let watched: std::collections::BTreeSet<_> = streams.iter().map(|it| it.row.rpc).collect();
    let resumed = |rpc: &&str| rpc.contains("/Watch") && !LATEST.contains(rpc);
    assert_eq!(watched, rows().map(|row| row.rpc).filter(resumed).collect());
    let before = market.rows().await;
    let mut wrong = Vec::new();
    for stream in &streams {
        let label = format!("{} by {:?}", stream.row.rpc, stream.who);
        for other in &streams {
            let same = (stream.row.rpc, stream.who) == (other.row.rpc, other.who);
            let outcome = match same {
                true => continue,
                false => resume(&market, other, &stream.token).await,
            };
            if !is_refused(&outcome) {
                let elsewhere = format!("{} by {:?}", other.row.rpc, other.who);
                wrong.push(format!("{label} on {elsewhere}: {outcome:?}"));
            }
        }
        for token in broken(&stream.token) {
            let outcome = resume(&market, stream, &token).await;
            if !is_refused(&outcome) {
                wrong.push(format!("{label} broken to {token}: {outcome:?}"));
            }
        }
        if is_open(stream.row.rpc) {
            let guest = market.person(Who::Guest);
            let mut request = stream.request.clone();
            request["resumeToken"] = json!(stream.token);
            let outcome = guest.call(stream.row.rpc, &request.to_string()).await;
            let code = outcome.as_ref().err().map(Status::code);
            if code != Some(Code::NotFound) {
                wrong.push(format!("{label} by a guest: {outcome:?}"));
            }
        }
    }
    assert_eq!(market.rows().await, before);
    market.close().await;
    assert_nothing(&wrong);
}

#[tokio::test]
async fn a_resume_token_goes_on_after_what_it_was_given_for() {
    let market = Market::open().await;
    let streams = begin_all(&market).await;
    let seller = market.person(Who::Seller);
    let order = json!({"id": market.id("$order"), "status": "CONFIRMED"}).to_string();
    seller
        .call("OrderService/UpdateOrderStatus", &order)
        .await
        .unwrap();
    let concerned = |stream: &&Begun| {
        stream.row.rpc == "OrderService/WatchOrder"
            || stream.row.rpc == "OrderService/WatchSellerOrders"
            || (stream.row.rpc, stream.who) == ("OrderService/WatchMyOrders", Who::Buyer)
    };
    for stream in streams.iter().filter(concerned) {
        let label = format!("{} by {:?}", stream.row.rpc, stream.who);
        let next = resume(&market, stream, &stream.token).await.unwrap();
        assert_ne!(next["type"], "SNAPSHOT", "{label}: {next}");
        assert_eq!(next["order"]["status"], "CONFIRMED", "{label}: {next}");
    }
    market.close().await;
}
