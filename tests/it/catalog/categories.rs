//! The tree of categories.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, reason};

async fn create(admin: &Client, name: &str, parent: &str) -> Value {
    let request = json!({"name": name, "parentId": parent});
    let answer = admin
        .call("CatalogService/CreateCategory", &request.to_string())
        .await;
    answer.unwrap()["category"].clone()
}

fn id(category: &Value) -> &str {
    category["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_category_gets_a_slug_and_holds_the_products_below_it() {
    let app = TestApp::start().await;
    let (admin, seller) = (app.admin().await, app.seller().await);
    let beauty = create(&admin, "Beauté & Soins", "").await;
    assert_eq!(beauty["slug"], "beaute-soins");
    let oils = create(&admin, "Huiles", id(&beauty)).await;
    let request = json!({
        "storeId": seller.store, "name": "Huile d'argan", "price": 100, "category": "HUILES",
    });
    let made = seller
        .client
        .call("CatalogService/CreateProduct", &request.to_string())
        .await;
    let made = made.unwrap();
    assert_eq!(made["product"]["categoryId"], oils["id"]);
    assert_eq!(made["product"]["category"], "Huiles");

    let guest = app.guest().await;
    for category in [id(&beauty), "beaute-soins", "beauté & soins", "huiles"] {
        let request = json!({"category": category}).to_string();
        let found = guest
            .call("CatalogService/ListProducts", &request)
            .await
            .unwrap();
        assert_eq!(super::names(&found), ["Huile d'argan"], "{category}");
    }
    let nothing = guest
        .call("CatalogService/ListProducts", r#"{"category": "hats"}"#)
        .await;
    assert!(super::names(&nothing.unwrap()).is_empty());
}

#[tokio::test]
async fn the_tree_stays_a_tree_and_only_empty_categories_go() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let top = create(&admin, "Maison", "").await;
    let below = create(&admin, "Cuisine", id(&top)).await;

    let circle = json!({"id": top["id"], "parentId": below["id"]}).to_string();
    let refused = admin
        .call("CatalogService/UpdateCategory", &circle)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
    let delete = |category: &Value| json!({"id": category["id"]}).to_string();
    let refused = admin
        .call("CatalogService/DeleteCategory", &delete(&top))
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "CATEGORY_NOT_EMPTY");
    let slug = json!({"name": "Autre", "slug": "maison"}).to_string();
    let refused = admin
        .call("CatalogService/CreateCategory", &slug)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "SLUG_TAKEN");

    admin
        .call("CatalogService/DeleteCategory", &delete(&below))
        .await
        .unwrap();
    admin
        .call("CatalogService/DeleteCategory", &delete(&top))
        .await
        .unwrap();
    let left = admin
        .call("CatalogService/ListCategories", "{}")
        .await
        .unwrap();
    assert_eq!(left["categories"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn categories_are_the_administrators() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let request = r#"{"name": "Maison"}"#;
    let refused = seller
        .client
        .call("CatalogService/CreateCategory", request)
        .await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::PermissionDenied);
}
