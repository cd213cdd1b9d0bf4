//! Likes: each person's counts once, whoever else likes what at the same time.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use souk::kernel::random;
use souk::pb::souk::ops::v1::ListAuditLogRequest;
use souk::pb::souk::reels::v1::{LikeReelRequest, ListLikesRequest};
use souk::pb::souk::users::v1::{DeleteMeRequest, UpdateMeRequest};
use tonic::Code;

use super::{count, key, like, list, shown, unlike};
use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason, until};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn people(app: &TestApp, many: usize) -> Vec<Client> {
    let mut people = Vec::new();
    for _ in 0..many {
        people.push(app.customer().await);
    }
    people
}

fn first_page(reel: &str) -> ListLikesRequest {
    ListLikesRequest {
        id: reel.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_like_counts_once_until_it_is_taken_back() {
    let app = TestApp::start().await;
    let (seller, reel) = shown(&app).await;
    let (buyer, other) = (app.customer().await, app.customer().await);
    assert_eq!(like(&buyer, &reel).await.unwrap(), 1);
    assert_eq!(like(&buyer, &reel).await.unwrap(), 1);
    assert_eq!(like(&other, &reel).await.unwrap(), 2);
    assert_eq!(like(&seller.client, &reel).await.unwrap(), 3);
    assert_eq!(unlike(&buyer, &reel).await.unwrap(), 2);
    assert_eq!(unlike(&buyer, &reel).await.unwrap(), 2);
    assert_eq!(like(&buyer, &reel).await.unwrap(), 3);
    app.assert_sound().await;
}

#[tokio::test]
async fn likes_of_many_at_once_in_two_processes_are_counted_each() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let (_, reel) = shown(&app).await;
    let people = people(&app, 24).await;
    let there: Vec<Client> = people.iter().map(|person| beside.recall(person)).collect();
    // Each likes it in both.
    let likes = people
        .iter()
        .chain(&there)
        .map(|person| like(person, &reel));
    let counts = join_all(likes).await;
    let most = counts.into_iter().map(Result::unwrap).max();
    assert_eq!(most, Some(24), "the last one answered knows of all");
    assert_eq!(app.number("SELECT count(*) FROM reel_likes").await, 24);
    until("all counts are taken over", async || {
        app.number("SELECT count(*) FROM reel_deltas").await == 0
    })
    .await;
    assert_eq!(count(&app, "liked").await, 24);
    app.assert_sound().await;
}

#[tokio::test]
async fn whatever_people_change_their_minds_about_counts_are_those_of_the_rows() {
    let app = TestApp::start().await;
    let beside = app.beside().await;
    let (seller, first) = shown(&app).await;
    let product = seller.product("Couscous gros", 9_000, 5).await;
    let reels = [first, app.reel(&seller, &product.id).await];
    let people = people(&app, 5).await;
    let reels = &reels;
    let minds = people.iter().flat_map(|person| {
        let there = beside.recall(person);
        (0..12).map(move |_| {
            let at = if random::below(2) == 0 {
                person.clone()
            } else {
                there.clone()
            };
            let reel = &reels[random::below(2) as usize];
            async move {
                match random::below(2) {
                    0 => like(&at, reel).await,
                    _ => unlike(&at, reel).await,
                }
            }
        })
    });
    for outcome in join_all(minds).await {
        let likes = outcome.unwrap();
        assert!((0..=5).contains(&likes), "{likes}");
    }
    for reel in reels {
        let liked = list(&people[0], first_page(reel)).await.users;
        // Taking back what is not there changes nothing and tells the count.
        let stranger = app.customer().await;
        let told = unlike(&stranger, reel).await.unwrap();
        assert_eq!(usize::try_from(told).unwrap(), liked.len());
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn only_what_the_caller_sees_can_be_liked() {
    let app = TestApp::start().await;
    let (seller, reel) = shown(&app).await;
    let stranger = app.customer().await;
    let refused = like(&app.guest().await, &reel).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let hide = "UPDATE reels SET hidden = TRUE WHERE id = $1";
    app.execute(hide, [key(&reel)]).await;
    // In another process nobody has seen it yet.
    let app = app.beside().await;
    let (seller, stranger) = (app.recall(&seller.client), app.recall(&stranger));
    for outcome in [like(&seller, &reel).await, unlike(&seller, &reel).await] {
        assert_eq!(reason(&outcome.unwrap_err()), "REEL_NOT_READY");
    }
    let none = "reel_01h455vb4pex5vsknk084sn02q";
    let (hidden, absent) = (like(&stranger, &reel).await, like(&stranger, none).await);
    let (hidden, absent) = (hidden.unwrap_err(), absent.unwrap_err());
    assert_eq!(reason(&hidden), "NOT_FOUND");
    assert_eq!(hidden.message(), absent.message());
    assert_eq!(app.number("SELECT count(*) FROM reel_likes").await, 0);
}

#[tokio::test]
async fn a_like_of_a_reel_that_is_no_longer_shown_is_taken_back() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let (buyer, other) = (app.customer().await, app.customer().await);
    like(&buyer, &reel).await.unwrap();
    let hide = "UPDATE reels SET hidden = TRUE WHERE id = $1";
    app.execute(hide, [key(&reel)]).await;
    // In another process nobody has seen it yet.
    let there = app.beside().await;
    let (buyer, other) = (there.recall(&buyer), there.recall(&other));
    let refused = unlike(&other, &reel).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    assert_eq!(reason(&like(&buyer, &reel).await.unwrap_err()), "NOT_FOUND");
    assert_eq!(unlike(&buyer, &reel).await.unwrap(), 0);
    let again = unlike(&buyer, &reel).await.unwrap_err();
    assert_eq!(reason(&again), "NOT_FOUND");
    assert_eq!(app.number("SELECT count(*) FROM reel_likes").await, 0);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_reel_that_is_gone_meanwhile_takes_no_like() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let (buyer, other) = (app.customer().await, app.customer().await);
    like(&buyer, &reel).await.unwrap();
    // Past the service: this process still believes that it is there.
    let delete = "UPDATE reels SET deleted_at = 1 WHERE id = $1";
    app.execute(delete, [key(&reel)]).await;
    let release = "UPDATE media SET uses = 0, unused_since = 1 WHERE uses = 1";
    app.execute(release, []).await;
    let refused = like(&other, &reel).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    assert_eq!(app.number("SELECT count(*) FROM reel_likes").await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn who_likes_a_reel_is_listed_newest_first_and_pages_stay_whole() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let people = people(&app, 5).await;
    let named = UpdateMeRequest {
        name: Some("Amina".into()),
        avatar_url: Some("https://example.test/face.jpg".into()),
        ..Default::default()
    };
    people[4].users().update_me(named).await.unwrap();
    for (number, person) in people.iter().enumerate() {
        if number >= 3 {
            // The first three at the same moment.
            app.advance(Duration::from_secs(1));
        }
        like(person, &reel).await.unwrap();
    }
    let mut page = ListLikesRequest {
        limit: 2,
        ..first_page(&reel)
    };
    let mut seen = Vec::new();
    loop {
        let found = list(&people[0], page.clone()).await;
        seen.extend(found.users);
        page.page_token = found.meta.unwrap().next_page_token;
        if page.page_token.is_empty() {
            break;
        }
        app.advance(Duration::from_secs(1));
        like(&app.customer().await, &reel).await.unwrap();
    }
    assert_eq!(seen[0].name, "Amina");
    assert_eq!(seen[0].avatar_url, "https://example.test/face.jpg");
    let told: BTreeSet<&str> = seen.iter().map(|person| person.id.as_str()).collect();
    let expected: BTreeSet<&str> = people.iter().map(|it| it.user_id.as_str()).collect();
    assert_eq!((told, seen.len()), (expected, 5));

    let numbered = ListLikesRequest {
        limit: 500,
        page: 1,
        ..first_page(&reel)
    };
    let found = list(&people[0], numbered).await;
    let meta = found.meta.unwrap();
    assert_eq!((meta.limit, meta.total), (50, Some(7)));
}

#[tokio::test]
async fn a_closed_account_takes_its_likes_back() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let (leaving, staying) = (app.customer().await, app.customer().await);
    like(&leaving, &reel).await.unwrap();
    like(&staying, &reel).await.unwrap();
    leaving.users().delete_me(DeleteMeRequest {}).await.unwrap();
    assert_eq!(like(&staying, &reel).await.unwrap(), 1);
    let liked = list(&staying, first_page(&reel)).await.users;
    assert_eq!(liked.len(), 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_administrators_like_is_written_down_once() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let admin = app.admin().await;
    like(&admin, &reel).await.unwrap();
    like(&app.customer().await, &reel).await.unwrap();
    let all = ListAuditLogRequest::default();
    let log = admin.ops().list_audit_log(all).await.unwrap().into_inner();
    let methods: Vec<&str> = log.entries.iter().map(|it| it.method.as_str()).collect();
    assert_eq!(methods, ["ReelService/LikeReel"]);
}

#[tokio::test]
async fn a_like_runs_no_statement_of_its_own_once_the_reel_is_known() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let buyer = app.customer().await;
    like(&buyer, &reel).await.unwrap();
    let again = LikeReelRequest { id: reel };
    let answer = buyer.reels().like_reel(again).await.unwrap();
    assert_eq!(statements(&answer), 0);
}

#[tokio::test]
async fn counts_that_went_wrong_are_set_right_at_night() {
    let app = TestApp::start().await;
    let (_, reel) = shown(&app).await;
    let (buyer, other) = (app.customer().await, app.customer().await);
    app.run_jobs().await;
    like(&buyer, &reel).await.unwrap();
    like(&other, &reel).await.unwrap();
    until("they are taken over", async || {
        app.number("SELECT count(*) FROM reel_deltas").await == 0
    })
    .await;
    for wrong in ["liked = liked + 5", "liked = liked - 1", "commented = 3"] {
        let sql = format!("UPDATE reel_stats SET {wrong}");
        app.execute(&sql, []).await;
        let report = souk::check::run(&app.db, &app.blobs).await.unwrap();
        let names: Vec<_> = report.breaches.iter().map(|breach| breach.name).collect();
        assert_eq!(names, ["reel-counts"], "{wrong}");
        app.advance(DAY);
        app.run_jobs().await;
        app.assert_sound().await;
    }
    let buyer = app.sign_in(&buyer.phone).await;
    assert_eq!(like(&buyer, &reel).await.unwrap(), 2);
}
