//! Full-text search, the same on both databases.

use std::time::Duration;

use serde_json::json;

use super::names;
use crate::support::{Client, TestApp, reason};

async fn search(client: &Client, words: &str) -> Vec<String> {
    let request = json!({"q": words}).to_string();
    let answer = client
        .call("CatalogService/SearchProducts", &request)
        .await
        .unwrap();
    names(&answer).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn words_are_found_by_their_beginnings_without_case_and_accents() {
    let app = TestApp::start().await;
    let (seller, guest) = (app.seller().await, app.guest().await);
    for (name, brand, description) in [
        ("Huile d'argan", "Éclat", "Pressée à froid au pays"),
        ("Savon à l'huile d'olive", "Baraka", "Pour la peau"),
        ("Crème de nuit", "Éclat", "À l'huile d'argan bio"),
        ("Téléphone X-200", "Nokia", "Écran 5.5\""),
    ] {
        let request = json!({
            "storeId": seller.store, "name": name, "price": 1, "brand": brand,
            "description": description, "tags": ["cadeau"],
        });
        seller
            .client
            .call("CatalogService/CreateProduct", &request.to_string())
            .await
            .unwrap();
        app.advance(Duration::from_millis(5));
    }
    for (words, found) in [
        // All words in the name come first, however old.
        ("huile argan", vec!["Huile d'argan", "Crème de nuit"]),
        (
            "HUIL",
            vec!["Savon à l'huile d'olive", "Huile d'argan", "Crème de nuit"],
        ),
        ("eclat", vec!["Crème de nuit", "Huile d'argan"]),
        ("eclat nuit", vec!["Crème de nuit"]),
        ("telephone x 200", vec!["Téléphone X-200"]),
        ("olive argan", vec![]),
        ("gan", vec![]),
        ("cadeau nokia", vec!["Téléphone X-200"]),
    ] {
        assert_eq!(search(&guest, words).await, found, "{words}");
    }
    // Nothing in the words is an operator of a database.
    for words in [
        "'",
        "\"",
        "huile OR nokia",
        "NOT huile",
        "zz:*",
        "(((",
        "*",
        "% _",
        "\\",
        "!!",
    ] {
        let found = search(&guest, words).await;
        assert!(found.is_empty(), "{words}: {found:?}");
    }
}

#[tokio::test]
async fn the_index_follows_changes_and_pages_keep_their_order() {
    let app = TestApp::start().await;
    let (seller, guest) = (app.seller().await, app.guest().await);
    let mut last = None;
    for number in 0..5 {
        last = Some(seller.product(&format!("Tapis {number}"), 1, 1).await);
        app.advance(Duration::from_millis(5));
    }
    let first = json!({"q": "tapis", "limit": 2}).to_string();
    let page = guest
        .call("CatalogService/SearchProducts", &first)
        .await
        .unwrap();
    assert_eq!(names(&page), ["Tapis 4", "Tapis 3"]);
    seller.product("Tapis neuf", 1, 1).await;
    let token = &page["meta"]["nextPageToken"];
    let next = json!({"q": "tapis", "limit": 2, "pageToken": token}).to_string();
    let page = guest
        .call("CatalogService/SearchProducts", &next)
        .await
        .unwrap();
    assert_eq!(names(&page), ["Tapis 2", "Tapis 1"]);

    let renamed = json!({"id": last.unwrap().id, "name": "Kilim"}).to_string();
    seller
        .client
        .call("CatalogService/UpdateProduct", &renamed)
        .await
        .unwrap();
    assert_eq!(search(&guest, "kilim").await, ["Kilim"]);
    assert_eq!(search(&guest, "tapis 4").await, Vec::<String>::new());
    let without = r#"{"sort": "RELEVANCE"}"#;
    let refused = guest
        .call("CatalogService/ListProducts", without)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
}
