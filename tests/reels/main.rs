//! Likes that add up: a thousand people like one reel ten times each, at once and over
//! kill -9, and it has a thousand likes. Every like that was answered is there, every
//! count equals its rows within ten seconds, and views are late by no more than that.
//!
//! SOUK_SEED repeats a run, SOUK_TEST_DATABASE (sqlite, postgres) chooses the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod fans;
#[path = "../rig/mod.rs"]
mod rig;

use std::time::{Duration, Instant};

use fans::{Fans, Truth};
use rig::{Caller, Dice, Shop, Souk, crowd, pause, reel, until};

const PEOPLE: usize = 1000;
const LIKES_EACH: usize = 10;
const KILLS: usize = 4;
/// How long counts may be late.
const LATE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_people_are_a_thousand_likes_whatever_is_killed() {
    let mut dice = Dice::roll();
    let mut souk = Souk::install("reels").await.with(&[
        ("TRUST_PROXY", "127.0.0.1"),
        ("RATE_LIMITS", "off"),
        ("SESSION_POLICY", "single"),
    ]);
    souk.start().await;
    let guest = Caller::guest(&souk.url());
    let shop = Shop::open(guest.sign_in("0550000001").await, "Bowl", &[1000]).await;
    let people = crowd(&souk.url(), PEOPLE).await;
    let (quiet, stormy) = (reel(&shop).await, reel(&shop).await);

    let fans = Fans::new(people, quiet.clone());
    let began = Instant::now();
    fans.like(LIKES_EACH).await;
    let took = began.elapsed();
    let seen = truth(&guest, &shop, &quiet, PEOPLE).await;
    println!(
        "{} likes in {took:?}, {:.0}/s; counted {seen:?} later",
        PEOPLE * LIKES_EACH,
        (PEOPLE * LIKES_EACH) as f64 / took.as_secs_f64(),
    );
    souk.check();

    let fans = fans.of(stormy.clone());
    let storm = async {
        for kill in 1..=KILLS {
            let goal = PEOPLE * LIKES_EACH * kill / (KILLS + 1);
            until("likes in between", || fans.answered() >= goal).await;
            pause(Duration::from_millis(dice.number(0..=40))).await;
            souk.kill();
            souk.start().await;
        }
    };
    tokio::join!(fans.like(LIKES_EACH), storm);
    let seen = truth(&guest, &shop, &stormy, PEOPLE).await;
    println!(
        "{KILLS} kills amid them: counted {seen:?} later, {} calls asked again",
        fans.repeated(),
    );

    // Half of them change their minds, twice; one more kill takes views along.
    fans.unlike_half().await;
    fans.view().await;
    pause(LATE).await;
    souk.kill();
    souk.start().await;
    let seen = truth(&guest, &shop, &stormy, PEOPLE / 2).await;
    println!("half of them taken back: counted {seen:?} later");
    let views = Truth::read(&guest, &shop.owner, &stormy).await.views;
    assert_eq!(views, PEOPLE, "views older than ten seconds outlive a kill");
    souk.check();
    souk.remove().await;
}

/// Demands that count and rows agree on `likes` in time; says how long that took.
async fn truth(guest: &Caller, shop: &Shop, reel: &str, likes: usize) -> Duration {
    let began = Instant::now();
    loop {
        let truth = Truth::read(guest, &shop.owner, reel).await;
        assert_eq!(truth.rows, likes, "rows are there with their answers");
        if truth.likes == likes {
            return began.elapsed();
        }
        assert!(began.elapsed() < LATE, "{truth:?}, not {likes}");
        pause(Duration::from_millis(100)).await;
    }
}
