//! Making, changing and reading products.

use serde_json::{Value, json};
use souk::pb::souk::catalog::v1::{GetProductBySlugRequest, GetProductRequest};

use crate::support::clients::statements;
use crate::support::{Client, Seller, TestApp, reason};

async fn create(seller: &Seller, mut request: Value) -> Value {
    request["storeId"] = json!(seller.store);
    let answer = seller
        .client
        .call("CatalogService/CreateProduct", &request.to_string())
        .await;
    answer.unwrap()["product"].clone()
}

async fn get(client: &Client, product: &Value) -> Result<Value, tonic::Status> {
    let request = json!({"id": product["id"]}).to_string();
    let answer = client.call("CatalogService/GetProduct", &request).await?;
    Ok(answer["product"].clone())
}

async fn change(client: &Client, rpc: &str, request: Value) -> Result<Value, tonic::Status> {
    let rpc = format!("CatalogService/{rpc}");
    let answer = client.call(&rpc, &request.to_string()).await?;
    Ok(answer["product"].clone())
}

#[tokio::test]
async fn a_product_is_answered_as_it_was_made() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let made = create(
        &seller,
        json!({
            "name": "Huile d'Argan 50 ml", "description": "Pressée à froid", "price": 120000,
            "originalPrice": "150000", "brand": "Éclat", "type": "oil", "stock": 3, "sku": "HA-50",
            "images": ["https://img.example/1.jpg", "https://img.example/2.jpg"],
            "tags": ["bio"], "weight": 0.08, "minOrderQuantity": 2,
            "specifications": {"volume": "50 ml"}, "benefits": "Nourrit",
        }),
    )
    .await;
    let read = get(&app.guest().await, &made).await.unwrap();
    assert_eq!(read, made);
    for (field, value) in [
        ("slug", json!("huile-d-argan-50-ml")),
        ("price", json!("120000")),
        ("originalPrice", json!("150000")),
        ("currency", json!("DZD")),
        ("sellerId", json!(seller.client.user_id)),
        ("inStock", json!(true)),
        ("isNew", json!(true)),
        ("isPromo", json!(true)),
        ("status", json!("ACTIVE")),
        ("version", json!(1)),
    ] {
        assert_eq!(read[field], value, "{field}");
    }
    assert_eq!(read["images"][0]["primary"], true);
    assert_eq!(read["images"][1]["url"], "https://img.example/2.jpg");
}

#[tokio::test]
async fn a_slug_is_numbered_when_made_and_refused_when_given_twice() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let names = ["Thé vert", "The vert!", "THE VERT"];
    let mut slugs = Vec::new();
    for name in names {
        slugs.push(create(&seller, json!({"name": name, "price": 1})).await["slug"].clone());
    }
    assert_eq!(slugs, ["the-vert", "the-vert-2", "the-vert-3"]);
    let again = json!({"name": "Thé", "price": 1, "slug": "the-vert-2"}).to_string();
    let refused = seller
        .client
        .call("CatalogService/CreateProduct", &again)
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "SLUG_TAKEN");

    // A deleted product leaves its slug to others.
    let guest = app.guest().await;
    let by_slug = json!({"slug": "the-vert"}).to_string();
    let found = guest
        .call("CatalogService/GetProductBySlug", &by_slug)
        .await
        .unwrap();
    let delete = json!({"id": found["product"]["id"]}).to_string();
    seller
        .client
        .call("CatalogService/DeleteProduct", &delete)
        .await
        .unwrap();
    let gone = guest
        .call("CatalogService/GetProductBySlug", &by_slug)
        .await
        .unwrap_err();
    assert_eq!(reason(&gone), "PRODUCT_NOT_FOUND");
    let made = create(&seller, json!({"name": "Thé vert", "price": 1})).await;
    assert_eq!(made["slug"], "the-vert");
    let found = guest
        .call("CatalogService/GetProductBySlug", &by_slug)
        .await
        .unwrap();
    assert_eq!(found["product"]["id"], made["id"]);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_is_seen_at_once() {
    let app = TestApp::start().await;
    let (seller, guest) = (app.seller().await, app.guest().await);
    let made = create(
        &seller,
        json!({"name": "Savon noir", "price": 500, "tags": ["hammam"]}),
    )
    .await;
    assert_eq!(get(&guest, &made).await.unwrap()["inStock"], false);
    let request = json!({"id": made["id"], "price": 450, "originalPrice": 500, "stock": 4});
    let changed = change(&seller.client, "UpdateProduct", request)
        .await
        .unwrap();
    assert_eq!(changed["name"], "Savon noir");
    assert_eq!(changed["tags"], json!(["hammam"]));
    assert_eq!(
        (&changed["price"], &changed["inStock"]),
        (&json!("450"), &json!(true))
    );
    assert_eq!(changed["version"], 2);
    assert_eq!(get(&guest, &made).await.unwrap(), changed);

    let request = json!({"id": made["id"], "clear": ["TAGS", "ORIGINAL_PRICE"]});
    let changed = change(&seller.client, "UpdateProduct", request)
        .await
        .unwrap();
    assert_eq!(changed["tags"], json!([]));
    assert!(changed.get("originalPrice").is_none());
    let request = json!({"id": made["id"], "originalPrice": 1});
    let refused = change(&seller.client, "UpdateProduct", request)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
    assert_eq!(get(&guest, &made).await.unwrap(), changed);
}

#[tokio::test]
async fn what_is_not_on_sale_is_seen_by_its_store_alone() {
    let app = TestApp::start().await;
    let (seller, other, guest) = (app.seller().await, app.seller().await, app.guest().await);
    let draft = create(
        &seller,
        json!({"name": "Tapis", "price": 9000, "draft": true}),
    )
    .await;
    assert_eq!(draft["status"], "DRAFT");
    assert!(get(&seller.client, &draft).await.is_ok());
    let publish = json!({"id": draft["id"]});
    for stranger in [&guest, &other.client] {
        let refused = get(stranger, &draft).await.unwrap_err();
        assert_eq!(reason(&refused), "PRODUCT_NOT_FOUND");
    }
    let refused = change(&other.client, "PublishProduct", publish.clone())
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "PRODUCT_NOT_FOUND");
    let refused = change(&seller.client, "UnpublishProduct", publish.clone())
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "INVALID_STATUS_TRANSITION");

    let published = change(&seller.client, "PublishProduct", publish.clone())
        .await
        .unwrap();
    assert_eq!(published["status"], "ACTIVE");
    let again = change(&seller.client, "PublishProduct", publish.clone())
        .await
        .unwrap();
    assert_eq!(again["version"], published["version"]);
    assert!(get(&guest, &draft).await.is_ok());
    let update = json!({"id": draft["id"], "price": 1});
    let refused = change(&other.client, "UpdateProduct", update)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");

    change(&seller.client, "UnpublishProduct", publish)
        .await
        .unwrap();
    assert_eq!(
        reason(&get(&guest, &draft).await.unwrap_err()),
        "PRODUCT_NOT_FOUND"
    );
}

#[tokio::test]
async fn the_next_picture_stands_in_for_a_removed_one() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let images = json!(["https://img.example/1.jpg", "https://img.example/2.jpg"]);
    let made = create(
        &seller,
        json!({"name": "Tapis", "price": 9000, "images": images}),
    )
    .await;
    let request = json!({"id": made["id"], "imageId": made["images"][0]["id"]});
    let left = change(&seller.client, "RemoveProductImage", request.clone())
        .await
        .unwrap();
    assert_eq!(left["images"].as_array().unwrap().len(), 1);
    assert_eq!(left["images"][0]["id"], made["images"][1]["id"]);
    assert_eq!(left["images"][0]["primary"], true);
    let refused = change(&seller.client, "RemoveProductImage", request)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
}

#[tokio::test]
async fn an_article_number_is_used_once_in_a_store() {
    let app = TestApp::start().await;
    let (seller, other) = (app.seller().await, app.seller().await);
    let request = json!({"name": "Tapis", "price": 1, "sku": "T-1"});
    create(&seller, request.clone()).await;
    create(&other, request.clone()).await;
    let mut again = request;
    again["storeId"] = json!(seller.store);
    let refused = seller
        .client
        .call("CatalogService/CreateProduct", &again.to_string())
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "SKU_TAKEN");
}

#[tokio::test]
async fn a_warm_product_costs_no_statement() {
    let app = TestApp::start().await;
    let (seller, guest) = (app.seller().await, app.guest().await);
    let product = seller.product("Savon noir", 500, 3).await;
    let by_id = GetProductRequest {
        id: product.id.clone(),
    };
    let by_slug = GetProductBySlugRequest { slug: product.slug };
    guest.catalog().get_product(by_id.clone()).await.unwrap();
    guest
        .catalog()
        .get_product_by_slug(by_slug.clone())
        .await
        .unwrap();
    let warm = guest.catalog().get_product(by_id).await.unwrap();
    assert_eq!(statements(&warm), 0);
    let warm = guest.catalog().get_product_by_slug(by_slug).await.unwrap();
    assert_eq!(statements(&warm), 0);
}
