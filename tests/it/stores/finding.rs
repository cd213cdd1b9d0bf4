//! Finding stores, over gRPC and over JSON.

use souk::pb::souk::stores::v1::{ListNearbyStoresRequest, SearchStoresRequest};

use crate::support::clients::statements;
use crate::support::{TestApp, reason};

#[tokio::test]
async fn nearby_stores_come_in_order_of_distance() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    for (name, latitude, longitude) in [
        ("Oran", 35.6971, -0.6308),
        ("Bab El Oued", 36.7910, 3.0510),
        ("Centre", 36.7540, 3.0590),
        ("Blida", 36.4700, 2.8300),
    ] {
        app.store(&owner, name, latitude, longitude).await;
    }
    let found = app
        .get("/api/stores/nearby?latitude=36.7538&longitude=3.0588", None)
        .await;
    assert_eq!(found.status, 200, "{}", found.text);
    assert_eq!(found.body["count"], 2);
    assert_eq!(found.body["searchParams"]["radius"], 10.0);
    let names = |body: &serde_json::Value| -> Vec<String> {
        let stores = body["stores"].as_array().unwrap();
        stores
            .iter()
            .map(|store| store["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&found.body), ["Centre", "Bab El Oued"]);
    let distance = found.body["stores"][1]["distance"].as_f64().unwrap();
    assert!((distance - 4.19).abs() < 0.01, "{distance}");

    let request = ListNearbyStoresRequest {
        latitude: Some(36.7538),
        longitude: Some(3.0588),
        radius: Some(100.0),
        limit: 2,
        ..Default::default()
    };
    let guest = app.guest().await;
    let first = guest
        .stores()
        .list_nearby_stores(request.clone())
        .await
        .unwrap();
    assert_eq!(statements(&first), 1);
    let token = first.into_inner().meta.unwrap().next_page_token;
    let next = ListNearbyStoresRequest {
        page_token: token.clone(),
        ..request.clone()
    };
    let rest = guest
        .stores()
        .list_nearby_stores(next)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (rest.stores.len(), rest.stores[0].name.as_str()),
        (1, "Blida")
    );
    assert_eq!(rest.meta.unwrap().next_page_token, "");

    // A token leads on in its own list only.
    let other = ListNearbyStoresRequest {
        radius: Some(50.0),
        page_token: token,
        ..request
    };
    let refused = guest.stores().list_nearby_stores(other).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_point_or_radius_off_the_map_is_refused_with_the_field() {
    let app = TestApp::start().await;
    for (query, field) in [
        ("latitude=91&longitude=3", "latitude"),
        ("latitude=36&longitude=181", "longitude"),
        ("latitude=36", "longitude"),
        ("latitude=36&longitude=3&radius=0.05", "radius"),
        ("latitude=36&longitude=3&radius=101", "radius"),
        ("latitude=NaN&longitude=3", "latitude"),
    ] {
        let refused = app.get(&format!("/api/stores/nearby?{query}"), None).await;
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(refused.body["errors"][0]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn the_limit_of_nearby_stores_is_50() {
    let app = TestApp::start().await;
    let path = "/api/stores/nearby?latitude=36.7538&longitude=3.0588&limit=80";
    assert_eq!(app.get(path, None).await.body["meta"]["limit"], 50);
}

#[tokio::test]
async fn stores_are_found_by_words_city_and_wilaya() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    app.store(&owner, "Épicerie El Baraka", 36.7910, 3.0510)
        .await;
    app.store(&owner, "Atlas Électronique", 36.7540, 3.0590)
        .await;
    for (path, names) in [
        (
            "/api/stores/search?query=epicerie",
            vec!["Épicerie El Baraka"],
        ),
        (
            "/api/stores/city?city=ALGER",
            vec!["Atlas Électronique", "Épicerie El Baraka"],
        ),
        (
            "/api/stores?wilaya=16&query=atl",
            vec!["Atlas Électronique"],
        ),
        ("/api/stores?wilaya=Oran", vec![]),
    ] {
        let found = app.get(path, None).await;
        let stores = found.body["stores"].as_array().unwrap();
        let found: Vec<_> = stores
            .iter()
            .map(|store| store["name"].as_str().unwrap())
            .collect();
        assert_eq!(found, names, "{path}");
    }
    let refused = app.get("/api/stores?wilaya=Paris", None).await;
    assert_eq!(refused.body["code"], "UNKNOWN_WILAYA");

    let search = SearchStoresRequest {
        query: "e".into(),
        ..Default::default()
    };
    let found = app
        .guest()
        .await
        .stores()
        .search_stores(search)
        .await
        .unwrap();
    assert_eq!(statements(&found), 1);
}
