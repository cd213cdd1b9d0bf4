//! Reports, and what moderators hide.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ask, comment, comments_of, get, shop, texts};
use crate::support::{Client, TestApp, reason};

/// So that what comes later has a later id.
const MOMENT: Duration = Duration::from_millis(5);

async fn report(by: &Client, rpc: &str, thing: &Value, why: &str) -> Result<Value, tonic::Status> {
    let request = json!({"id": thing["id"], "reason": why, "note": " voyez vous-mêmes "});
    let answer = ask(by, rpc, request).await?;
    Ok(answer["report"].clone())
}

async fn reports(admin: &Client, status: &str) -> Vec<Value> {
    let answer = ask(admin, "ListReports", json!({"status": status})).await;
    answer.unwrap()["reports"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_report_keeps_what_was_to_be_seen_and_is_made_once() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let (buyer, other, admin) = (
        app.customer().await,
        app.customer().await,
        app.admin().await,
    );
    let first = report(&buyer, "ReportReel", &reel, "FRAUD").await.unwrap();
    assert_eq!(first["content"], "Première pression");
    assert_eq!(first["note"], "voyez vous-mêmes");
    assert_eq!(
        (&first["status"], &first["reason"]),
        (&json!("OPEN"), &json!("FRAUD"))
    );
    assert_eq!(first["reporterId"], json!(buyer.user_id));
    assert_eq!(first["commentId"], Value::Null);
    let again = report(&buyer, "ReportReel", &reel, "SPAM").await.unwrap();
    assert_eq!(again, first);
    app.advance(MOMENT);
    report(&other, "ReportReel", &reel, "HATE").await.unwrap();
    let change = json!({"id": reel["id"], "caption": "Rien à voir"});
    ask(&seller.client, "UpdateReel", change).await.unwrap();
    let open = reports(&admin, "OPEN").await;
    assert_eq!(open.len(), 2);
    assert_eq!(open[0], first);
    let without = json!({"id": reel["id"]});
    let refused = ask(&buyer, "ReportReel", without).await.unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
}

#[tokio::test]
async fn twins_of_a_report_are_one() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (buyer, admin) = (app.customer().await, app.admin().await);
    let twins = (0..6).map(|_| report(&buyer, "ReportReel", &reel, "SPAM"));
    let twins = futures_util::future::join_all(twins).await;
    let ids: Vec<_> = twins
        .into_iter()
        .map(|twin| twin.unwrap()["id"].clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(reports(&admin, "OPEN").await.len(), 1);
}

#[tokio::test]
async fn nobody_reports_what_is_ones_own() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let (buyer, admin) = (app.customer().await, app.admin().await);
    let said = comment(&buyer, &reel, "Mauvais").await.unwrap();
    for (who, rpc, thing) in [
        (&seller.client, "ReportReel", &reel),
        (&buyer, "ReportComment", &said),
    ] {
        let refused = report(who, rpc, thing, "SPAM").await.unwrap_err();
        assert_eq!(reason(&refused), "FORBIDDEN", "{rpc}");
    }
    report(&seller.client, "ReportComment", &said, "HATE")
        .await
        .unwrap();
    report(&admin, "ReportReel", &reel, "SPAM").await.unwrap();
    report(&admin, "ReportComment", &said, "SPAM")
        .await
        .unwrap();
    assert_eq!(reports(&admin, "OPEN").await.len(), 3);
}

#[tokio::test]
async fn hiding_a_reel_upholds_its_reports_and_not_those_of_its_comments() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let (buyer, other, admin) = (
        app.customer().await,
        app.customer().await,
        app.admin().await,
    );
    let said = comment(&buyer, &reel, "Mauvais").await.unwrap();
    let of_reel = report(&buyer, "ReportReel", &reel, "FRAUD").await.unwrap();
    report(&other, "ReportReel", &reel, "FRAUD").await.unwrap();
    let of_comment = report(&other, "ReportComment", &said, "HATE")
        .await
        .unwrap();
    assert_eq!(of_comment["content"], "Mauvais");
    assert_eq!(of_comment["commentId"], said["id"]);
    let request = json!({"id": reel["id"], "reason": "contrefaçon"});
    let hidden = ask(&admin, "HideReel", request.clone()).await.unwrap();
    assert_eq!(
        (&hidden["reel"]["hidden"], &hidden["reel"]["version"]),
        (&json!(true), &json!(2))
    );
    let again = ask(&admin, "HideReel", request).await.unwrap();
    assert_eq!(again["reel"]["version"], 2, "hidden already");
    assert_eq!(reports(&admin, "UPHELD").await.len(), 2);
    assert_eq!(reports(&admin, "OPEN").await, [of_comment]);
    assert_eq!(reason(&get(&buyer, &reel).await.unwrap_err()), "NOT_FOUND");
    assert_eq!(get(&seller.client, &reel).await.unwrap()["hidden"], true);

    let upheld = json!({"id": of_reel["id"]});
    let refused = ask(&admin, "DismissReport", upheld).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_STATUS_TRANSITION");
    let shown = ask(&admin, "ShowReel", json!({"id": reel["id"]}))
        .await
        .unwrap();
    assert_eq!(shown["reel"]["hidden"], false);
    get(&buyer, &reel).await.unwrap();
    let anew = report(&buyer, "ReportReel", &reel, "FRAUD").await.unwrap();
    assert_ne!(anew["id"], of_reel["id"], "the former one is closed");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_hidden_comment_is_there_for_its_author_and_the_store_and_is_not_counted() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let (buyer, other, admin) = (
        app.customer().await,
        app.customer().await,
        app.admin().await,
    );
    let guest = app.guest().await;
    let said = comment(&buyer, &reel, "Mauvais").await.unwrap();
    comment(&other, &reel, "Bon").await.unwrap();
    report(&other, "ReportComment", &said, "HATE")
        .await
        .unwrap();
    let id = json!({"id": said["id"]});
    for _ in 0..2 {
        let hidden = ask(&admin, "HideComment", id.clone()).await.unwrap();
        assert_eq!(hidden["comment"]["hidden"], true);
        assert_eq!(comments_of(&other, &reel).await, 1);
    }
    assert!(reports(&admin, "OPEN").await.is_empty());
    for (who, count) in [
        (&buyer, 2),
        (&seller.client, 2),
        (&admin, 2),
        (&other, 1),
        (&guest, 1),
    ] {
        assert_eq!(texts(who, &reel).await.len(), count);
    }
    for (rpc, request) in [
        ("ReportComment", json!({"id": said["id"], "reason": "HATE"})),
        ("DeleteComment", id.clone()),
        ("UpdateComment", json!({"id": said["id"], "content": "Bon"})),
    ] {
        let refused = ask(&other, rpc, request).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_FOUND", "{rpc}");
    }
    ask(&admin, "ShowComment", id.clone()).await.unwrap();
    assert_eq!(comments_of(&guest, &reel).await, 2);
    ask(&admin, "HideComment", id.clone()).await.unwrap();
    ask(&buyer, "DeleteComment", id.clone()).await.unwrap();
    assert_eq!(comments_of(&guest, &reel).await, 1, "it was not counted");
    let refused = ask(&admin, "ShowComment", id).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_dismissed_report_is_dismissed_once_and_another_may_follow() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (buyer, admin) = (app.customer().await, app.admin().await);
    let first = report(&buyer, "ReportReel", &reel, "SPAM").await.unwrap();
    for _ in 0..2 {
        let request = json!({"id": first["id"]});
        let dismissed = ask(&admin, "DismissReport", request).await.unwrap();
        assert_eq!(dismissed["report"]["status"], "DISMISSED");
    }
    app.advance(MOMENT);
    let second = report(&buyer, "ReportReel", &reel, "SPAM").await.unwrap();
    assert_ne!(second["id"], first["id"]);
    let all = ask(&admin, "ListReports", json!({"limit": 1, "page": 1}))
        .await
        .unwrap();
    assert_eq!(all["meta"]["total"], 2);
    assert_eq!(all["reports"][0]["id"], first["id"], "the oldest first");
    let next = json!({"limit": 1});
    let page = ask(&admin, "ListReports", next).await.unwrap();
    let next = json!({"limit": 1, "pageToken": page["meta"]["nextPageToken"]});
    let page = ask(&admin, "ListReports", next).await.unwrap();
    assert_eq!(page["reports"][0]["id"], second["id"]);
    let absent = json!({"id": "rpt_01h455vb4pex5vsknk084sn02q"});
    let refused = ask(&admin, "DismissReport", absent).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    assert!(get(&buyer, &reel).await.is_ok());
}
