//! A rival inside the window: one buyer has read and has not written yet, another buys
//! meanwhile from beginning to end.

use std::future::Future;
use std::time::Duration;

use souk::pb::souk::orders::v1::PlaceOrderResponse;
use tokio::sync::oneshot;
use tonic::{Code, Response, Status};

use crate::support::database::is_postgres;
use crate::support::{Client, ShippingTo, TestApp, reason};

type Outcome = Result<Response<PlaceOrderResponse>, Status>;

/// Long enough for a call to have come to its end, if it could.
const A_WHILE: Duration = Duration::from_millis(300);

impl TestApp {
    /// Runs `work` while a transaction of the test's own holds the stock of a product: on
    /// PostgreSQL its row, on SQLite the one writer.
    async fn while_held<T>(&self, product: &str, work: impl Future<Output = T>) -> T {
        let id: souk::kernel::id::ProductId = product.parse().unwrap();
        let (held, is_held) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let once = std::sync::Mutex::new(Some((held, released)));
        let hold = self.db.transact(|tx| {
            let turn = once.lock().unwrap().take();
            async move {
                let (held, released) = turn.expect("a lock that is free is had at once");
                let lock = tx.dialect().for_update();
                let sql = format!("SELECT id FROM stock WHERE product_id = $1{lock}");
                let statement = tx.dialect().statement(&sql, [id.uuid().into()]);
                sea_orm::ConnectionTrait::query_all_raw(tx.conn(), statement).await?;
                held.send(()).unwrap();
                released.await.unwrap();
                Ok(())
            }
        });
        let meanwhile = async {
            is_held.await.unwrap();
            let done = work.await;
            release.send(()).unwrap();
            done
        };
        let (hold, done) = tokio::join!(hold, meanwhile);
        hold.unwrap();
        done
    }

    /// Waits until a statement of the server's waits for a lock.
    async fn until_somebody_waits(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while self.number(waiting).await == 0 {
            tokio::task::yield_now().await;
        }
    }
}

fn buying(by: &Client, lines: &[(&str, i32)]) -> tokio::task::JoinHandle<Outcome> {
    let (mut orders, request) = (by.orders(), ShippingTo::algiers(lines));
    tokio::spawn(async move { orders.place_order(request).await })
}

async fn refused(outcome: impl Future<Output = Result<Outcome, tokio::task::JoinError>>) {
    let refused = outcome.await.unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "OUT_OF_STOCK");
}

#[tokio::test]
async fn who_read_first_and_writes_last_gets_nothing_that_is_gone() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    // Rows are locked in the order of their age, so who waits for the first has not
    // touched the second.
    let gate = seller.product("Rose water", 40_000, 5).await.id;
    app.advance(Duration::from_secs(1));
    let scarce = seller.product("Argan oil", 90_000, 3).await.id;
    let (first, rival) = (app.customer().await, app.customer().await);
    let both = [(scarce.as_str(), 2), (gate.as_str(), 1)];
    if is_postgres() {
        let [paused] = app
            .while_held(&gate, async {
                let paused = buying(&first, &both);
                app.until_somebody_waits().await;
                buying(&rival, &[(&scarce, 2)]).await.unwrap().unwrap();
                assert!(!paused.is_finished());
                [paused]
            })
            .await;
        refused(paused).await;
    } else {
        // There is one writer, and a call reads as that writer: nobody has read while
        // another writes, so both wait, and the second to write sees what the first did.
        let (one, other) = app
            .while_held(&gate, async {
                let mut one = buying(&first, &both);
                let mut other = buying(&rival, &[(&scarce, 2)]);
                let early = async { tokio::join!(&mut one, &mut other) };
                assert!(tokio::time::timeout(A_WHILE, early).await.is_err());
                (one, other)
            })
            .await;
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let loser = one.err().or(other.err()).unwrap();
        assert_eq!(reason(&loser), "OUT_OF_STOCK");
    }
    assert_eq!(
        app.orders().await,
        1,
        "whoever was refused left nothing behind"
    );
    let left = app.number("SELECT CAST(sum(on_hand) AS bigint) FROM stock");
    let left_of_scarce = app.number("SELECT CAST(min(on_hand) AS bigint) FROM stock");
    assert_eq!(left_of_scarce.await, 1);
    assert!([5, 6].contains(&left.await));
    // What is left is sold to the last piece, and no further.
    buying(&first, &[(&scarce, 1)]).await.unwrap().unwrap();
    refused(buying(&first, &[(&scarce, 1)])).await;
    app.assert_sound().await;
}

#[tokio::test]
async fn who_read_first_still_gets_what_the_rival_left() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let gate = seller.product("Rose water", 40_000, 5).await.id;
    app.advance(Duration::from_secs(1));
    let scarce = seller.product("Argan oil", 90_000, 3).await.id;
    let (first, rival) = (app.customer().await, app.customer().await);
    let paused = app
        .while_held(&gate, async {
            let paused = buying(&first, &[(&scarce, 1), (&gate, 1)]);
            let meanwhile = buying(&rival, &[(&scarce, 2)]);
            if is_postgres() {
                app.until_somebody_waits().await;
                meanwhile.await.unwrap().unwrap();
                return (paused, None);
            }
            (paused, Some(meanwhile))
        })
        .await;
    if let Some(meanwhile) = paused.1 {
        meanwhile.await.unwrap().unwrap();
    }
    paused.0.await.unwrap().unwrap();
    assert_eq!((app.orders().await, app.on_hand().await), (2, 4));
    app.assert_sound().await;
}
