//! Words that no caption and no comment may hold.

use std::time::Duration;

use serde_json::{Value, json};
use tonic_types::StatusExt;

use super::{ask, comment, shop, texts};
use crate::support::{Client, TestApp, reason, until};

async fn block(admin: &Client, word: &str) -> Result<Value, tonic::Status> {
    let answer = ask(admin, "AddBlockedWord", json!({"word": word})).await?;
    Ok(answer["word"].clone())
}

#[tokio::test]
async fn a_blocked_word_is_refused_wherever_people_write() {
    let app = TestApp::start().await;
    let (seller, product, reel) = shop(&app).await;
    let (member, buyer, admin) = (&seller.client, app.customer().await, app.admin().await);
    let said = comment(&buyer, &reel, "Bon").await.unwrap();
    app.advance(Duration::from_millis(5));
    // Looked at once before the word is blocked, so that it is cached by then.
    comment(&buyer, &reel, "Une arnaque").await.unwrap();
    block(&admin, "Arnaque").await.unwrap();
    for (who, rpc, request, field) in [
        (
            &buyer,
            "AddComment",
            json!({"id": reel["id"], "content": "A.R.N.A.Q.U.E"}),
            "content",
        ),
        (
            &buyer,
            "UpdateComment",
            json!({"id": said["id"], "content": "une ARNAQUÉ"}),
            "content",
        ),
        (
            member,
            "UpdateReel",
            json!({"id": reel["id"], "caption": "zéro arnaque"}),
            "caption",
        ),
        (
            member,
            "CreateReel",
            json!({"productId": product, "caption": "arnaque"}),
            "caption",
        ),
    ] {
        let refused = ask(who, rpc, request).await.unwrap_err();
        assert_eq!(reason(&refused), "RESTRICTED_CONTENT", "{rpc}");
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        let named = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(named[0].field, field, "{rpc}");
    }
    assert_eq!(texts(&buyer, &reel).await, ["Une arnaque", "Bon"]);
    comment(&buyer, &reel, "les arnaqueurs n'y sont pas")
        .await
        .unwrap();
}

#[tokio::test]
async fn arabic_words_are_found_with_and_without_vowel_signs() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (buyer, admin) = (app.customer().await, app.admin().await);
    block(&admin, "احتيال").await.unwrap();
    for text in ["هذا إحْتِيال", "احـتـيـال!"] {
        let refused = comment(&buyer, &reel, text).await.unwrap_err();
        assert_eq!(reason(&refused), "RESTRICTED_CONTENT", "{text}");
    }
    comment(&buyer, &reel, "منتوج جميل").await.unwrap();
}

#[tokio::test]
async fn one_word_is_blocked_once_and_can_be_allowed_again() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (buyer, admin) = (app.customer().await, app.admin().await);
    let word = block(&admin, " Arnaqué ").await.unwrap();
    assert_eq!(word["word"], "Arnaqué");
    let refused = block(&admin, "ARNAQUE").await.unwrap_err();
    assert_eq!(reason(&refused), "CONFLICT");
    let refused = block(&admin, "!?").await.unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
    block(&admin, "zut").await.unwrap();
    block(&admin, "bof bof").await.unwrap();
    let (mut seen, mut token) = (Vec::new(), json!(""));
    loop {
        let request = json!({"limit": 1, "pageToken": token});
        let page = ask(&admin, "ListBlockedWords", request).await.unwrap();
        seen.push(page["words"][0]["word"].as_str().unwrap().to_owned());
        token = page["meta"]["nextPageToken"].clone();
        if token == "" {
            break;
        }
    }
    assert_eq!(seen, ["Arnaqué", "bof bof", "zut"]);
    let refused = comment(&buyer, &reel, "arnaque").await.unwrap_err();
    assert_eq!(reason(&refused), "RESTRICTED_CONTENT");
    let id = json!({"id": word["id"]});
    ask(&admin, "RemoveBlockedWord", id.clone()).await.unwrap();
    comment(&buyer, &reel, "arnaque").await.unwrap();
    let refused = ask(&admin, "RemoveBlockedWord", id).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    for (rpc, request) in [
        ("AddBlockedWord", json!({"word": "bon"})),
        ("ListBlockedWords", json!({})),
    ] {
        let refused = ask(&buyer, rpc, request).await.unwrap_err();
        assert_eq!(reason(&refused), "FORBIDDEN", "{rpc}");
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn another_process_hears_of_a_word() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (buyer, admin) = (app.customer().await, app.admin().await);
    let other = app.beside().await;
    let there = other.recall(&buyer);
    comment(&there, &reel, "arnaque").await.unwrap();
    block(&admin, "arnaque").await.unwrap();
    until("the word is blocked there", async || {
        let refused = comment(&there, &reel, "arnaque").await.err();
        refused.is_some_and(|refused| reason(&refused) == "RESTRICTED_CONTENT")
    })
    .await;
}
