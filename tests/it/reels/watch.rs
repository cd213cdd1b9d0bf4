//! Watching how a reel is received.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use souk::kernel::id::ReelCommentId;
use souk::pb::souk::reels::v1::watch_reel_response::Type;
use souk::pb::souk::reels::v1::{WatchReelRequest, WatchReelResponse};
use souk::pb::souk::users::v1::UpdateMeRequest;
use tonic::{Status, Streaming};

use super::{key, like, shown, unlike, view};
use crate::support::{Client, TestApp, reason};

const PATIENCE: Duration = Duration::from_secs(20);

async fn watch(by: &Client, reel: &str) -> Result<Streaming<WatchReelResponse>, Status> {
    let request = WatchReelRequest { id: reel.into() };
    Ok(by.reels().watch_reel(request).await?.into_inner())
}

/// The next message, or how the stream ends.
async fn message(
    stream: &mut Streaming<WatchReelResponse>,
) -> Result<Option<WatchReelResponse>, Status> {
    let message = tokio::time::timeout(PATIENCE, stream.message());
    message.await.expect("a message comes")
}

async fn next(stream: &mut Streaming<WatchReelResponse>) -> WatchReelResponse {
    message(stream).await.unwrap().expect("the stream goes on")
}

/// A comment, as the service that writes them leaves it.
async fn comment(app: &TestApp, by: &Client, reel: &str, text: &str) {
    app.advance(Duration::from_millis(5));
    let now = app.clock.now();
    let author: souk::kernel::id::UserId = by.user_id.parse().unwrap();
    let row = "INSERT INTO reel_comments (id, reel_id, user_id, content, edited, hidden, \
               version, created_at, updated_at) VALUES ($1, $2, $3, $4, FALSE, FALSE, 1, $5, $5)";
    let values = [
        ReelCommentId::new(now).uuid().into(),
        key(reel),
        author.uuid().into(),
        text.into(),
        now.micros().into(),
    ];
    counted(app, reel, "commented", (row, values.to_vec())).await;
}

/// A change and what is counted of it, together.
async fn counted(
    app: &TestApp,
    reel: &str,
    column: &str,
    (change, values): (&str, Vec<sea_orm::Value>),
) {
    let of = |other: &str| i32::from(other == column);
    let delta = &format!(
        "INSERT INTO reel_deltas (reel_id, liked, unliked, commented, uncommented, viewed) \
         VALUES ($1, 0, 0, {}, {}, 0)",
        of("commented"),
        of("uncommented"),
    );
    let values = &values;
    app.db
        .transact(|tx| async move {
            let both = [(change, values.clone()), (delta, vec![key(reel)])];
            for (sql, values) in both {
                let statement = tx.dialect().statement(sql, values);
                tx.conn().execute_raw(statement).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_watcher_is_told_how_it_is_then_what_happens() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let (buyer, guest) = (app.customer().await, app.guest().await);
    like(&buyer, &reel).await.unwrap();
    let mut stream = watch(&guest, &reel).await.unwrap();
    let first = next(&mut stream).await;
    assert_eq!((first.r#type(), first.changes), (Type::Stats, None));
    let stats = first.stats.unwrap();
    assert_eq!((stats.likes_count, stats.comments_count), (1, 0));
    assert_eq!(first.reel_id, reel);

    like(&app.customer().await, &reel).await.unwrap();
    let liked = next(&mut stream).await;
    assert_eq!(liked.r#type(), Type::Liked);
    assert_eq!(liked.stats.unwrap().likes_count, 2);
    assert_eq!(liked.changes.unwrap().liked, 1);

    unlike(&buyer, &reel).await.unwrap();
    let unliked = next(&mut stream).await;
    assert_eq!(unliked.r#type(), Type::Unliked);
    assert_eq!(unliked.stats.unwrap().likes_count, 1);
    assert_eq!(unliked.changes.unwrap().unliked, 1);

    view(&buyer, &reel).await.unwrap();
    let viewed = next(&mut stream).await;
    assert_eq!(viewed.r#type(), Type::Viewed);
    assert_eq!(viewed.stats.unwrap().views_count, 1);
}

#[tokio::test]
async fn new_comments_are_told_the_newest_five_with_their_authors() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let author = app.customer().await;
    let named = UpdateMeRequest {
        name: Some("Amina".into()),
        ..Default::default()
    };
    author.users().update_me(named).await.unwrap();
    comment(&app, &author, &reel, "before").await;
    let mut stream = watch(&app.guest().await, &reel).await.unwrap();
    let first = next(&mut stream).await;
    assert_eq!(first.stats.unwrap().comments_count, 1);
    assert_eq!(first.comments, []);
    let (mut told, mut commented) = (Vec::new(), 0);
    for number in 0..7 {
        comment(&app, &author, &reel, &format!("number {number}")).await;
    }
    while commented < 7 {
        let message = next(&mut stream).await;
        assert_eq!(message.r#type(), Type::Commented);
        let news = message.changes.unwrap().commented;
        let shown = i32::try_from(message.comments.len()).unwrap();
        assert!(shown <= Ord::min(news, 5), "{shown} of {news}");
        commented += news;
        told.extend(message.comments);
    }
    let last = told.iter().max_by_key(|it| &it.content).unwrap();
    let person = last.user.clone().unwrap();
    assert_eq!(
        (last.content.as_str(), person.name.as_str()),
        ("number 6", "Amina")
    );
    assert_eq!(person.id, author.user_id);
    let texts: BTreeSet<&str> = told.iter().map(|it| it.content.as_str()).collect();
    assert_eq!(texts.len(), told.len(), "none is told twice");
    assert!(!texts.contains("before"));

    let delete = "UPDATE reel_comments SET deleted_at = 1 WHERE content = 'number 6'";
    counted(&app, &reel, "uncommented", (delete, Vec::new())).await;
    let deleted = next(&mut stream).await;
    assert_eq!(deleted.r#type(), Type::CommentDeleted);
    assert_eq!(deleted.stats.unwrap().comments_count, 7);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_storm_is_told_together_and_nothing_of_it_is_lost() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let mut people = Vec::new();
    for _ in 0..24 {
        people.push(app.customer().await);
    }
    let mut stream = watch(&app.guest().await, &reel).await.unwrap();
    next(&mut stream).await;
    let storm = async {
        for some in people.chunks(3) {
            join_all(some.iter().map(|person| like(person, &reel))).await;
        }
    };
    let reading = async {
        let (mut liked, mut messages, began) = (0, 0, Instant::now());
        while liked < 24 {
            let message = next(&mut stream).await;
            liked += message.changes.unwrap().liked;
            messages += 1;
            assert_eq!(message.stats.unwrap().likes_count, liked);
        }
        (messages, began.elapsed())
    };
    let ((), (messages, took)) = tokio::join!(storm, reading);
    let turns = took.as_millis() / 250 + 2;
    assert!(messages <= turns, "{messages} messages in {took:?}");
}

#[tokio::test]
async fn a_watcher_is_told_what_happens_in_another_process() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let (_, reel) = shown(&app).await;
    let buyer = app.customer().await;
    let mut stream = watch(&beside.guest().await, &reel).await.unwrap();
    next(&mut stream).await;
    like(&buyer, &reel).await.unwrap();
    let liked = next(&mut stream).await;
    assert_eq!(liked.r#type(), Type::Liked);
    assert_eq!(liked.stats.unwrap().likes_count, 1);
}

#[tokio::test]
async fn the_streams_of_a_reel_that_is_gone_end() {
    for gone in ["hidden = TRUE", "deleted_at = 1"] {
        let app = TestApp::start().await;
        let (seller, reel) = shown(&app).await;
        let mut streams = Vec::new();
        for person in [&app.guest().await, &seller.client] {
            let mut stream = watch(person, &reel).await.unwrap();
            next(&mut stream).await;
            streams.push(stream);
        }
        let sql = format!("UPDATE reels SET {gone} WHERE id = $1");
        app.execute(&sql, [key(&reel)]).await;
        for mut stream in streams {
            let ended = message(&mut stream).await.unwrap_err();
            assert_eq!(reason(&ended), "NOT_FOUND", "{gone}");
        }
    }
}

#[tokio::test]
async fn what_is_not_shown_is_not_watched() {
    let app = TestApp::start().await;
    let (seller, reel) = shown(&app).await;
    let hide = "UPDATE reels SET hidden = TRUE WHERE id = $1";
    app.execute(hide, [key(&reel)]).await;
    let refused = watch(&app.guest().await, &reel).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    let refused = watch(&seller.client, &reel).await.unwrap_err();
    assert_eq!(reason(&refused), "REEL_NOT_READY");
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let buyer = app.customer().await;
    let mut stream = watch(&buyer, &reel).await.unwrap();
    next(&mut stream).await;
    buyer.call("AuthService/Logout", "{}").await.unwrap();
    let ended = message(&mut stream).await.unwrap_err();
    assert_eq!(reason(&ended), "SESSION_REVOKED");
}

#[tokio::test]
async fn an_idle_stream_beats_and_an_old_one_ends() {
    let app = TestApp::adjusted(&[], |parts| {
        parts.events.heartbeat = Duration::from_millis(50);
        parts.events.max_age = Duration::from_millis(500);
    })
    .await;
    let (_, reel) = shown(&app).await;
    let mut stream = watch(&app.guest().await, &reel).await.unwrap();
    assert_eq!(next(&mut stream).await.r#type(), Type::Stats);
    let mut beats = 0;
    while let Some(beat) = message(&mut stream).await.unwrap() {
        assert_eq!((beat.r#type(), beat.stats), (Type::Heartbeat, None));
        beats += 1;
    }
    assert!(beats >= 2, "{beats}");
}

#[tokio::test]
async fn a_stopping_process_ends_its_streams_cleanly() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let mut stream = watch(&app.guest().await, &reel).await.unwrap();
    next(&mut stream).await;
    let (_, last) = tokio::join!(app.running.app.close(), message(&mut stream));
    assert_eq!(last.unwrap().unwrap().r#type(), Type::Heartbeat);
    assert_eq!(message(&mut stream).await.unwrap(), None);
}

#[tokio::test]
async fn a_browser_watches_without_a_place_to_resume() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let path = format!("/api/stream/reels/{reel}");
    let last = [("last-event-id", "forged")];
    let answer = app.ask(Method::GET, &path, None, &last, None).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let (mut parts, mut text) = (answer.bytes_stream(), String::new());
    while !text.contains("data: ") {
        let part = tokio::time::timeout(PATIENCE, parts.next()).await;
        let part = part.expect("an event comes").unwrap().unwrap();
        text.push_str(std::str::from_utf8(&part).unwrap());
    }
    assert!(!text.lines().any(|line| line.starts_with("id:")), "{text}");
    assert!(text.contains("\"type\":\"STATS\""), "{text}");
}
