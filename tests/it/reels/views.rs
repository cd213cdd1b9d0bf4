//! Views: each viewer counts once an hour.

use std::time::Duration;

use tonic::Code;

use super::{count, shown, view};
use crate::support::{TestApp, until};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn until_counted(app: &TestApp, views: i64) {
    let what = format!("{views} views are counted");
    until(&what, async || count(app, "viewed").await == views).await;
}

#[tokio::test]
async fn a_viewer_counts_once_an_hour() {
    let app = TestApp::start().await;
    let (seller, reel) = shown(&app).await;
    let (buyer, guest) = (app.customer().await, app.guest().await);
    for (viewer, counts) in [(&buyer, true), (&guest, true), (&seller.client, false)] {
        assert_eq!(view(viewer, &reel).await.unwrap(), counts);
        assert!(!view(viewer, &reel).await.unwrap());
    }
    until_counted(&app, 2).await;
    app.advance(HOUR);
    assert!(view(&guest, &reel).await.unwrap());
    assert!(!view(&guest, &reel).await.unwrap());
    until_counted(&app, 3).await;
    let addresses = "SELECT count(*) FROM reel_views WHERE viewer LIKE '%127.0.0.1%'";
    assert_eq!(app.number(addresses).await, 0);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_viewer_of_two_processes_counts_once() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let (_, reel) = shown(&app).await;
    let (buyer, other) = (app.customer().await, app.customer().await);
    assert!(view(&buyer, &reel).await.unwrap());
    // The other process has not seen it, the database has.
    assert!(view(&beside.recall(&buyer), &reel).await.unwrap());
    assert!(view(&beside.recall(&other), &reel).await.unwrap());
    beside.running.app.close().await;
    app.running.app.close().await;
    assert_eq!(count(&app, "viewed").await, 2);
    assert_eq!(app.number("SELECT count(*) FROM reel_views").await, 2);
}

#[tokio::test]
async fn a_process_that_stops_writes_its_views_first() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    assert!(view(&app.guest().await, &reel).await.unwrap());
    app.running.app.close().await;
    assert_eq!(count(&app, "viewed").await, 1);
}

#[tokio::test]
async fn old_views_are_forgotten_and_stay_counted() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    app.run_jobs().await;
    assert!(view(&app.guest().await, &reel).await.unwrap());
    until_counted(&app, 1).await;
    app.advance(HOUR * 2);
    app.run_jobs().await;
    assert_eq!(app.number("SELECT count(*) FROM reel_views").await, 1);
    app.advance(HOUR);
    app.run_jobs().await;
    assert_eq!(app.number("SELECT count(*) FROM reel_views").await, 0);
    assert_eq!(count(&app, "viewed").await, 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_viewed() {
    let app = TestApp::start().await;
    let none = "reel_01h455vb4pex5vsknk084sn02q";
    let refused = view(&app.guest().await, none).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}
