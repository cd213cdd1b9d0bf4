//! The passing counts of one-time passwords.

use std::time::Duration;

use super::{PHONE, WRONG, request, sign_in, verify};
use crate::support::{TestApp, until};

#[tokio::test]
async fn passwords_are_counted_when_they_are_sent_and_when_they_are_right() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let counts = async || {
        let counters = app.running.app.counters();
        let names = ["otp_sent", "otp_verified"];
        counters.read(&names).await.unwrap()
    };
    request(&guest, PHONE).await.unwrap();
    assert_eq!(counts().await, [0, 0], "wished for, not sent");
    app.run_jobs().await;
    until("one is sent", async || counts().await == [1, 0]).await;
    verify(&guest, PHONE, WRONG).await.unwrap_err();
    verify(&guest, PHONE, crate::support::app::CODE)
        .await
        .unwrap();
    until("one was right", async || counts().await == [1, 1]).await;
    app.advance(Duration::from_secs(60));
    sign_in(&guest, PHONE).await;
    app.run_jobs().await;
    until("as was the next", async || counts().await[1] == 2).await;
}
