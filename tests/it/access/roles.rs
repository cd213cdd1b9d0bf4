//! What a person may no longer do: refused at once by the process that took the right
//! away, and within five seconds by every other.

use std::time::{Duration, Instant};

use serde_json::json;
use tonic::Code;

use super::market::Market;
use super::matrix::Who;
use super::stage::act;
use crate::support::{Client, TestApp};

/// The most that a right may outlive its end.
const PROMISED: Duration = Duration::from_secs(5);

/// Calls until the call is refused, and says how long that took.
async fn refused_after(since: Instant, by: &Client, rpc: &str, request: &str) -> (Duration, Code) {
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    loop {
        let outcome = by.call(rpc, request).await;
        if let Err(refused) = outcome {
            return (since.elapsed(), refused.code());
        }
        assert!(since.elapsed() < 2 * PROMISED, "{rpc} is still allowed");
        pace.tick().await;
    }
}

/// Takes a right away at one server while another has it in its caches.
async fn assert_gone_everywhere(
    (here, there): (&TestApp, &TestApp),
    person: &Client,
    (rpc, request): (&str, &str),
    expected: Code,
    take: impl AsyncFnOnce(),
) {
    let (near, far) = (here.recall(person), there.recall(person));
    near.call(rpc, request).await.unwrap();
    far.call(rpc, request).await.unwrap();
    take().await;
    let since = Instant::now();
    let outcome = near.call(rpc, request).await;
    assert_eq!(
        outcome.unwrap_err().code(),
        expected,
        "{rpc} where it was taken"
    );
    let (took, code) = refused_after(since, &far, rpc, request).await;
    assert_eq!(code, expected, "{rpc} elsewhere");
    assert!(took < PROMISED, "{rpc} was allowed elsewhere for {took:?}");
}

#[tokio::test]
async fn a_member_who_left_the_store_is_no_member_anywhere() {
    let market = Market::open().await;
    let other = market.app.beside().await;
    let store = json!({"storeId": market.id("$store")}).to_string();
    let leave = json!({"storeId": market.id("$store"), "userId": market.id("$staff")});
    assert_gone_everywhere(
        (&market.app, &other),
        market.person(Who::Staff),
        ("OrderService/ListSellerOrders", &store),
        Code::PermissionDenied,
        async || {
            let seller = market.person(Who::Seller);
            act(seller, "StoreService/RemoveManager", &leave).await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_ended_session_is_over_everywhere() {
    let market = Market::open().await;
    let other = market.app.beside().await;
    let staff = market.person(Who::Staff);
    assert_gone_everywhere(
        (&market.app, &other),
        staff,
        ("UserService/GetMe", "{}"),
        Code::Unauthenticated,
        async || {
            act(staff, "AuthService/Logout", &json!({})).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_store_that_is_suspended_is_hidden_everywhere() {
    let market = Market::open().await;
    let other = market.app.beside().await;
    let store = json!({"id": market.id("$store")});
    assert_gone_everywhere(
        (&market.app, &other),
        market.person(Who::Stranger),
        ("StoreService/GetStore", &store.to_string()),
        Code::NotFound,
        async || {
            act(
                market.person(Who::Admin),
                "StoreService/SuspendStore",
                &store,
            )
            .await;
        },
    )
    .await;
}

/// Two administrators: one to lose the role, one to take it away.
async fn with_two_administrators() -> Market {
    let market = Market::open().await;
    let buyer: souk::kernel::id::UserId = market.id("$buyer").parse().unwrap();
    let promote = "UPDATE users SET role = 'ADMIN' WHERE id = $1";
    market.app.execute(promote, [buyer.uuid().into()]).await;
    market
}

#[tokio::test]
async fn an_administrator_who_was_demoted_is_none_anywhere() {
    let market = with_two_administrators().await;
    let other = market.app.beside().await;
    let demote = json!({"id": market.id("$buyer"), "role": "CUSTOMER"});
    assert_gone_everywhere(
        (&market.app, &other),
        market.person(Who::Buyer),
        ("OpsService/ListJobs", "{}"),
        // The sessions end with the role.
        Code::Unauthenticated,
        async || {
            act(
                market.person(Who::Admin),
                "UserService/SetUserRole",
                &demote,
            )
            .await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_account_that_was_switched_off_is_nobody_anywhere() {
    let market = Market::open().await;
    let other = market.app.beside().await;
    let stranger = json!({"id": market.id("$stranger")});
    assert_gone_everywhere(
        (&market.app, &other),
        market.person(Who::Stranger),
        ("UserService/GetMe", "{}"),
        Code::Unauthenticated,
        async || {
            act(
                market.person(Who::Admin),
                "UserService/DeactivateUser",
                &stranger,
            )
            .await;
        },
    )
    .await;
}

/// A row that was changed past every service, as by a restored backup or by hand: no
/// event tells of it, so the caches' own time is all there is.
#[tokio::test]
async fn a_role_or_an_account_that_is_gone_counts_within_five_seconds() {
    let market = Market::open().await;
    let admin = market.person(Who::Admin);
    let stranger = market.person(Who::Stranger);
    admin.call("OpsService/ListJobs", "{}").await.unwrap();
    stranger.call("UserService/GetMe", "{}").await.unwrap();
    let id = |person: &Client| {
        let id: souk::kernel::id::UserId = person.user_id.parse().unwrap();
        [id.uuid().into()]
    };
    let demote = "UPDATE users SET role = 'CUSTOMER' WHERE id = $1";
    market.app.execute(demote, id(admin)).await;
    let switch_off = "UPDATE users SET is_active = FALSE WHERE id = $1";
    market.app.execute(switch_off, id(stranger)).await;
    let since = Instant::now();
    let (role, account) = tokio::join!(
        refused_after(since, admin, "OpsService/ListJobs", "{}"),
        refused_after(since, stranger, "UserService/GetMe", "{}"),
    );
    assert_eq!(
        (role.1, account.1),
        (Code::PermissionDenied, Code::Unauthenticated)
    );
    assert!(
        role.0 < PROMISED && account.0 < PROMISED,
        "{role:?} {account:?}"
    );
    // What everyone may still works.
    admin.call("UserService/GetMe", "{}").await.unwrap();
}
