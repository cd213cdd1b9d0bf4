//! How the server is: asked by anybody, as often as they like.

use souk::pb::souk::ops::v1::CheckHealthRequest;

use crate::support::clients::statements;
use crate::support::{Client, TestApp, until};

/// How many statements the server ran to say how it is.
async fn cost(by: &Client) -> u32 {
    let answer = by.ops().check_health(CheckHealthRequest {}).await;
    let answer = answer.unwrap();
    let cost = statements(&answer);
    assert_eq!(answer.into_inner().components.len(), 3);
    cost
}

#[tokio::test]
async fn one_look_serves_all_who_ask_in_a_moment_and_no_longer() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    until("the parts are looked at", async || cost(&guest).await > 0).await;
    until("the look is good for others", async || {
        cost(&guest).await == 0
    })
    .await;
    until("the parts are looked at again", async || {
        cost(&guest).await > 0
    })
    .await;
}
