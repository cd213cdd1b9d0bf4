//! Comments: their bounds, their authors, and what they count for.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ask, comment, comments_of, shop, texts};
use crate::support::{Client, TestApp, reason};

async fn rewrite(by: &Client, comment: &Value, content: &str) -> Result<Value, tonic::Status> {
    let request = json!({"id": comment["id"], "content": content});
    let answer = ask(by, "UpdateComment", request).await?;
    Ok(answer["comment"].clone())
}

async fn take_down(by: &Client, comment: &Value) -> Result<Value, tonic::Status> {
    ask(by, "DeleteComment", json!({"id": comment["id"]})).await
}

#[tokio::test]
async fn a_comment_has_an_author_and_counts_at_once() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (buyer, guest) = (app.customer().await, app.guest().await);
    let name = json!({"name": "Amine", "avatarUrl": "https://example.test/a.jpg"});
    buyer
        .call("UserService/UpdateMe", &name.to_string())
        .await
        .unwrap();
    let written = comment(&buyer, &reel, "  Très bon ! \n").await.unwrap();
    assert_eq!(written["content"], "Très bon !");
    assert_eq!(written["user"]["name"], "Amine");
    assert_eq!(written["user"]["id"], json!(buyer.user_id));
    assert_eq!(written["user"]["avatarUrl"], "https://example.test/a.jpg");
    assert_eq!(written["reelId"], reel["id"]);
    assert_eq!(
        (&written["edited"], &written["hidden"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(comments_of(&guest, &reel).await, 1);
    let listed = ask(&guest, "ListComments", json!({"id": reel["id"]})).await;
    assert_eq!(listed.unwrap()["comments"][0], written);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_comment_has_1_to_500_characters() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let buyer = app.customer().await;
    let first = comment(&buyer, &reel, "d'abord").await.unwrap();
    for wrong in [
        "",
        "   \n ",
        "\u{200b} \u{3164}\u{fe0f}",
        &"é".repeat(501),
        &format!("  {}  ", "x".repeat(501)),
    ] {
        for refused in [
            comment(&buyer, &reel, wrong).await.unwrap_err(),
            rewrite(&buyer, &first, wrong).await.unwrap_err(),
        ] {
            assert_eq!(reason(&refused), "COMMENT_LENGTH", "{wrong}");
            assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        }
    }
    let emoji = "🍊".repeat(500);
    let long = comment(&buyer, &reel, &format!(" {emoji} ")).await.unwrap();
    assert_eq!(long["content"], json!(emoji));
    assert_eq!(comments_of(&buyer, &reel).await, 2);
    let body = json!({"content": " "});
    let path = format!("/api/reels/{}/comments", reel["id"].as_str().unwrap());
    let refused = app.post(&path, buyer.token.as_deref(), body).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("COMMENT_LENGTH"), "{}", refused.text);
}

#[tokio::test]
async fn only_its_author_changes_a_comment() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let (buyer, other, admin) = (
        app.customer().await,
        app.customer().await,
        app.admin().await,
    );
    let written = comment(&buyer, &reel, "Bon").await.unwrap();
    app.advance(Duration::from_secs(5));
    let same = rewrite(&buyer, &written, " Bon ").await.unwrap();
    assert_eq!(
        (&same["edited"], &same["updatedAt"]),
        (&json!(false), &written["updatedAt"])
    );
    let changed = rewrite(&buyer, &written, "Très bon").await.unwrap();
    assert_eq!(
        (&changed["edited"], &changed["content"]),
        (&json!(true), &json!("Très bon"))
    );
    for who in [&other, &seller.client, &admin] {
        let refused = rewrite(who, &written, "Mauvais").await.unwrap_err();
        assert_eq!(reason(&refused), "FORBIDDEN");
    }
    assert_eq!(texts(&other, &reel).await, ["Très bon"]);
    assert_eq!(comments_of(&other, &reel).await, 1);
}

#[tokio::test]
async fn its_author_the_store_and_administrators_delete_a_comment_once() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let (buyer, other, admin) = (
        app.customer().await,
        app.customer().await,
        app.admin().await,
    );
    for who in [&buyer, &seller.client, &admin] {
        let written = comment(&buyer, &reel, "Bon").await.unwrap();
        assert_eq!(comments_of(&other, &reel).await, 1);
        let refused = take_down(&other, &written).await.unwrap_err();
        assert_eq!(reason(&refused), "FORBIDDEN");
        take_down(who, &written).await.unwrap();
        assert_eq!(comments_of(&other, &reel).await, 0);
        assert!(texts(&admin, &reel).await.is_empty());
        for again in [
            take_down(who, &written).await,
            rewrite(&buyer, &written, "Si").await,
        ] {
            assert_eq!(reason(&again.unwrap_err()), "NOT_FOUND");
        }
        assert_eq!(comments_of(&other, &reel).await, 0);
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn comments_page_newest_first_while_others_come() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (buyer, guest) = (app.customer().await, app.guest().await);
    for number in 0..5 {
        app.advance(Duration::from_millis(2));
        comment(&buyer, &reel, &format!("n{number}")).await.unwrap();
    }
    let (mut seen, mut token) = (Vec::new(), json!(""));
    loop {
        let request = json!({"id": reel["id"], "limit": 2, "pageToken": token});
        let page = ask(&guest, "ListComments", request).await.unwrap();
        for comment in page["comments"].as_array().unwrap() {
            seen.push(comment["content"].as_str().unwrap().to_owned());
        }
        app.advance(Duration::from_millis(2));
        comment(&buyer, &reel, "entre-temps").await.unwrap();
        token = page["meta"]["nextPageToken"].clone();
        if token == "" {
            break;
        }
    }
    assert_eq!(seen, ["n4", "n3", "n2", "n1", "n0"]);
    let request = json!({"id": reel["id"], "limit": 1000, "page": 1});
    let page = ask(&guest, "ListComments", request).await.unwrap();
    assert_eq!(
        (&page["meta"]["limit"], &page["meta"]["total"]),
        (&json!(50), &json!(8))
    );
}

#[tokio::test]
async fn an_account_that_closes_takes_its_comments_along() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (leaver, other) = (app.customer().await, app.customer().await);
    comment(&other, &reel, "je reste").await.unwrap();
    let said = comment(&leaver, &reel, "je pars").await.unwrap();
    let before = comment(&leaver, &reel, "déjà parti").await.unwrap();
    take_down(&leaver, &before).await.unwrap();
    let hidden = comment(&leaver, &reel, "caché").await.unwrap();
    let admin = app.admin().await;
    ask(&admin, "HideComment", json!({"id": hidden["id"]}))
        .await
        .unwrap();
    let report = json!({"id": reel["id"], "reason": "OTHER", "note": "mon avis"});
    ask(&leaver, "ReportReel", report).await.unwrap();
    assert_eq!(comments_of(&other, &reel).await, 2);
    leaver.call("UserService/DeleteMe", "{}").await.unwrap();
    assert_eq!(texts(&admin, &reel).await, ["je reste"]);
    assert_eq!(comments_of(&other, &reel).await, 1);
    let refused = take_down(&admin, &said).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    for left in [
        "SELECT count(*) FROM reel_comments WHERE content IN ('je pars', 'déjà parti', 'caché')",
        "SELECT count(*) FROM reel_reports WHERE note <> ''",
    ] {
        assert_eq!(app.number(left).await, 0, "{left}");
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn many_comments_at_once_are_counted_one_by_one() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let mut writers = Vec::new();
    for _ in 0..4 {
        writers.push(app.customer().await);
    }
    let all = writers
        .iter()
        .flat_map(|writer| (0..5).map(move |_| writer));
    let written = all.map(|writer| comment(writer, &reel, "vite"));
    for outcome in futures_util::future::join_all(written).await {
        outcome.unwrap();
    }
    assert_eq!(comments_of(&writers[0], &reel).await, 20);
    let wrong = "SELECT count(*) FROM (SELECT reel_id, sum(commented - uncommented) AS counted \
                 FROM reel_deltas GROUP BY reel_id) d WHERE counted <> \
                 (SELECT count(*) FROM reel_comments c WHERE c.reel_id = d.reel_id \
                  AND deleted_at IS NULL AND NOT hidden)";
    assert_eq!(app.number(wrong).await, 0);
    app.assert_sound().await;
}
