//! Stock under concurrency, on every database at hand.

use std::time::Duration;

use futures_util::future::join_all;

use super::testing::Shop;
use super::*;
use crate::db::testing::on_each;
use crate::db::{Db, count_statements};
use crate::kernel::{self, Clock, Error, Time};

const BUYERS: usize = 64;

fn clock() -> Clock {
    Clock::manual(Time::from_micros(1_780_000_000_000_000))
}

async fn buy(shop: &Shop, lines: &[Line]) -> Result<()> {
    shop.db
        .transact(|tx| async move { take(&tx, lines, OrderId::new(tx.now()), None).await })
        .await
}

async fn hold(shop: &Shop, lines: &[Line], order: OrderId) -> Result<Vec<Reservation>> {
    let (ttl, user) = (DEFAULT_HOLD, Some(shop.owner));
    shop.db
        .transact(
            |tx| async move { reserve::hold(&tx, "items", lines, ttl, user, Some(order)).await },
        )
        .await
}

async fn commit(db: &Db, order: OrderId) -> Result<()> {
    let all = reserve::Which::Order(order);
    db.transact(|tx| async move { reserve::commit(&tx, all, None).await.map(drop) })
        .await
}

async fn sweep(db: &Db) -> Result<u64> {
    db.transact(|tx| async move { reserve::expire(&tx).await })
        .await
}

fn is_shortage(error: &Error) -> bool {
    error.reason() == kernel::Reason::OutOfStock
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_is_what_was_there() {
    on_each(clock(), async |db| {
        let shop = Shop::open(&db, &[37]).await;
        let buyers = (0..BUYERS).map(|_| async { buy(&shop, &[shop.line(0, 1)]).await });
        let outcomes = join_all(buyers).await;
        assert_eq!(outcomes.iter().filter(|sold| sold.is_ok()).count(), 37);
        for refused in outcomes.into_iter().filter_map(Result::err) {
            assert!(is_shortage(&refused), "{refused:?}");
        }
        assert_eq!(shop.stock(0).await.on_hand, 0);
        shop.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_in_opposite_order_neither_oversell_nor_lock_up() {
    on_each(clock(), async |db| {
        let shop = Shop::open(&db, &[40, 25, 31]).await;
        let buyers = (0..BUYERS).map(|buyer| {
            let mut lines = vec![shop.line(0, 1), shop.line(1, 1), shop.line(2, 1)];
            if buyer % 2 == 0 {
                lines.reverse();
            }
            let shop = &shop;
            async move { buy(shop, &lines).await }
        });
        let outcomes = join_all(buyers).await;
        assert_eq!(outcomes.iter().filter(|sold| sold.is_ok()).count(), 25);
        assert!(
            outcomes
                .iter()
                .filter_map(|out| out.as_ref().err())
                .all(is_shortage)
        );
        let left = [
            shop.stock(0).await,
            shop.stock(1).await,
            shop.stock(2).await,
        ];
        assert_eq!(left.map(|stock| stock.on_hand), [15, 0, 6]);
        shop.assert_sound().await;
    })
    .await;
}

#[tokio::test]
async fn a_shortage_names_its_lines_and_takes_nothing() {
    on_each(clock(), async |db| {
        let shop = Shop::open(&db, &[5, 3, 0]).await;
        let lines = [
            shop.line(0, 2),
            shop.line(1, 2),
            shop.line(1, 2),
            shop.line(2, 1),
        ];
        let refused = buy(&shop, &lines).await.unwrap_err();
        assert!(is_shortage(&refused));
        let named: Vec<_> = refused
            .violations()
            .iter()
            .map(|violation| (violation.field.as_str(), violation.message.as_str()))
            .collect();
        assert_eq!(
            named,
            [
                ("items[1].quantity", "only 3 available"),
                ("items[2].quantity", "only 3 available"),
                ("items[3].quantity", "is out of stock"),
            ]
        );
        assert_eq!(shop.stock(0).await.on_hand, 5);
        shop.assert_sound().await;
    })
    .await;
}

#[tokio::test]
async fn taking_two_products_costs_one_statement_and_one_for_its_events() {
    on_each(clock(), async |db| {
        let shop = Shop::open(&db, &[5, 5]).await;
        let lines = [shop.line(0, 1), shop.line(1, 1)];
        let (sold, statements) = count_statements(buy(&shop, &lines)).await;
        sold.unwrap();
        assert_eq!(statements, 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_given_back_can_be_bought_again() {
    on_each(clock(), async |db| {
        let shop = Shop::open(&db, &[1]).await;
        let lines = [shop.line(0, 1)];
        buy(&shop, &lines).await.unwrap();
        assert!(!shop.stock(0).await.in_stock());
        let (lines, order) = (&lines, OrderId::new(db.clock().now()));
        db.transact(
            |tx| async move { restock(&tx, lines, order, Reason::Cancellation, None).await },
        )
        .await
        .unwrap();
        assert!(shop.stock(0).await.in_stock());
        buy(&shop, lines).await.unwrap();
        assert_eq!(shop.number("SELECT count(*) FROM stock_movements").await, 4);
        shop.assert_sound().await;
    })
    .await;
}

#[tokio::test]
async fn held_pieces_belong_to_their_order_until_their_time_is_over() {
    let clock = clock();
    on_each(clock.clone(), async |db| {
        let shop = Shop::open(&db, &[3]).await;
        let now = db.clock().now();
        let (kept, lost) = (OrderId::new(now), OrderId::new(now));
        hold(&shop, &[shop.line(0, 2)], kept).await.unwrap();
        hold(&shop, &[shop.line(0, 1)], lost).await.unwrap();
        assert!(is_shortage(
            &buy(&shop, &[shop.line(0, 1)]).await.unwrap_err()
        ));

        commit(&db, kept).await.unwrap();
        commit(&db, kept).await.unwrap();
        let stock = shop.stock(0).await;
        assert_eq!((stock.on_hand, stock.reserved), (1, 1));

        clock.advance(DEFAULT_HOLD);
        let refused = commit(&db, lost).await.unwrap_err();
        assert_eq!(refused.reason(), kernel::Reason::ReservationExpired);
        assert_eq!(sweep(&db).await.unwrap(), 1);
        assert_eq!(sweep(&db).await.unwrap(), 0);
        let refused = commit(&db, lost).await.unwrap_err();
        assert_eq!(refused.reason(), kernel::Reason::ReservationExpired);
        buy(&shop, &[shop.line(0, 1)]).await.unwrap();
        shop.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_commit_release_and_expiry_one_wins() {
    let clock = clock();
    on_each(clock.clone(), async |db| {
        let shop = Shop::open(&db, &[20, 20]).await;
        let now = db.clock().now();
        let orders: Vec<_> = (0..10).map(|_| OrderId::new(now)).collect();
        for order in &orders {
            hold(&shop, &[shop.line(0, 1), shop.line(1, 1)], *order)
                .await
                .unwrap();
        }
        // Half of the orders are paid in time, against a cancellation; the others late,
        // against the sweeper.
        let (early, late) = orders.split_at(5);
        let cancel = |order: OrderId| {
            let db = db.clone();
            async move {
                db.transact(
                    |tx| async move { release_for_order(&tx, order, Status::Cancelled).await },
                )
                .await
            }
        };
        let paid = join_all(
            early
                .iter()
                .map(|order| async { tokio::join!(commit(&db, *order), cancel(*order)) }),
        )
        .await;
        clock.advance(DEFAULT_HOLD + Duration::from_secs(1));
        let unpaid = join_all(
            late.iter()
                .map(|order| async { tokio::join!(commit(&db, *order), sweep(&db)) }),
        )
        .await;
        sweep(&db).await.unwrap();
        assert!(
            unpaid
                .iter()
                .all(|(commit, swept)| commit.is_err() && swept.is_ok())
        );
        let used = paid.iter().filter(|(commit, _)| commit.is_ok()).count();
        assert!(paid.iter().all(|(_, cancel)| cancel.is_ok()));
        let stock = shop.stock(0).await;
        assert_eq!((stock.on_hand, stock.reserved), (20 - used as i32, 0));
        shop.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_holds_more_than_a_few_reservations() {
    on_each(clock(), async |db| {
        let shop = Shop::open(&db, &[100]).await;
        let now = db.clock().now();
        let wishes = (0..30).map(|_| async {
            let lines = [shop.line(0, 1)];
            hold(&shop, &lines, OrderId::new(now)).await
        });
        let outcomes = join_all(wishes).await;
        assert_eq!(outcomes.iter().filter(|held| held.is_ok()).count(), 20);
        assert_eq!(shop.stock(0).await.reserved, 20);
        shop.assert_sound().await;
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_refuses_to_forget_or_to_oversell() {
    on_each(clock(), async |db| {
        let shop = Shop::open(&db, &[5]).await;
        let order = OrderId::new(db.clock().now());
        hold(&shop, &[shop.line(0, 2)], order).await.unwrap();
        for sql in [
            "UPDATE stock_movements SET delta = 7",
            "DELETE FROM stock_movements",
            "UPDATE stock SET on_hand = 1",
            "UPDATE stock SET reserved = -1",
            // A change that names no new movement.
            "UPDATE stock SET on_hand = 6",
            "DELETE FROM reservations",
        ] {
            shop.assert_refused(sql).await;
        }
        commit(&db, order).await.unwrap();
        shop.assert_refused("UPDATE reservations SET status = 'RELEASED'")
            .await;
        shop.assert_sound().await;
    })
    .await;
}
