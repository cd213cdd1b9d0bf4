//! Shipping: the wilayas, and what delivery costs.

use serde_json::{Value, json};
use souk::pb::souk::delivery::v1::{
    ListWilayasRequest, QuoteShippingRequest, SetDefaultRatesRequest, SetStoreRatesRequest,
    ShippingQuote, ShippingRate,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason};

fn rate(wilaya: &str, home: Option<i64>, desk: Option<i64>) -> ShippingRate {
    ShippingRate {
        wilaya: wilaya.into(),
        home,
        desk,
        days: Some(2),
        enabled: None,
    }
}

async fn quote(who: &Client, store: &str, wilaya: &str) -> Result<ShippingQuote, Status> {
    let request = QuoteShippingRequest {
        store_id: store.into(),
        wilaya: wilaya.into(),
        subtotal: Some(1_000_000),
        ..Default::default()
    };
    let quoted = who.delivery().quote_shipping(request).await?;
    Ok(quoted.into_inner().quote.unwrap())
}

fn prices(quote: &ShippingQuote) -> (Option<i64>, Option<i64>) {
    (quote.home, quote.desk)
}

#[tokio::test]
async fn the_69_wilayas_are_listed_by_code() {
    let app = TestApp::start().await;
    let all = app.get("/api/wilayas", None).await;
    let wilayas = all.body["wilayas"].as_array().unwrap();
    assert_eq!(wilayas.len(), 69);
    assert_eq!(
        wilayas[15],
        json!({"code": "16", "name": "Alger", "nameAr": "الجزائر"})
    );
    assert_eq!(wilayas[59]["parentCode"], "05");
    assert_eq!(wilayas[59]["effectiveFrom"], "2026-12-31T23:00:00Z");

    let guest = app.guest().await;
    let request = ListWilayasRequest {
        limit: 50,
        ..Default::default()
    };
    let first = guest
        .delivery()
        .list_wilayas(request.clone())
        .await
        .unwrap();
    assert_eq!(statements(&first), 0);
    let request = ListWilayasRequest {
        page_token: first.into_inner().meta.unwrap().next_page_token,
        ..request
    };
    let rest = guest
        .delivery()
        .list_wilayas(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(rest.wilayas.first().unwrap().code, "51");
    assert_eq!(rest.wilayas.len(), 19);
    let numbered = app.get("/api/wilayas?page=2&limit=60", None).await;
    assert_eq!(numbered.body["wilayas"].as_array().unwrap().len(), 9);
    assert_eq!(numbered.body["meta"]["total"], 69);
}

#[tokio::test]
async fn the_stores_table_goes_before_the_marketplaces_and_that_before_the_zones() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let (admin, guest) = (app.admin().await, app.guest().await);
    let store = seller.store.as_str();
    // Within Algiers, then to the second zone, then from nowhere in particular.
    assert_eq!(
        prices(&quote(&guest, store, "algiers").await.unwrap()),
        (Some(50_000), Some(30_000))
    );
    assert_eq!(
        prices(&quote(&guest, store, "17").await.unwrap()),
        (Some(95_000), Some(50_000))
    );
    assert_eq!(
        prices(&quote(&guest, "", "Alger").await.unwrap()),
        (Some(50_000), Some(30_000))
    );

    let table = SetDefaultRatesRequest {
        rates: vec![
            rate("Djelfa", Some(80_000), Some(40_000)),
            rate("16", Some(45_000), None),
        ],
        free_from: Some(2_000_000),
        ..Default::default()
    };
    let refused = seller
        .client
        .delivery()
        .set_default_rates(table.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    admin.delivery().set_default_rates(table).await.unwrap();
    assert_eq!(
        prices(&quote(&guest, store, "17").await.unwrap()),
        (Some(80_000), Some(40_000))
    );

    let table = SetStoreRatesRequest {
        store_id: store.into(),
        rates: vec![rate("17", Some(70_000), None)],
        ..Default::default()
    };
    let set = seller
        .client
        .delivery()
        .set_store_rates(table.clone())
        .await
        .unwrap();
    assert!(statements(&set) <= 4, "{}", statements(&set));
    let set = set.into_inner().table.unwrap();
    assert_eq!(
        (set.rates[0].wilaya.as_str(), set.rates[0].enabled),
        ("17", Some(true))
    );
    assert_eq!(set.currency, "DZD");
    let quoted = quote(&guest, store, "17").await.unwrap();
    assert_eq!(
        (prices(&quoted), quoted.days),
        ((Some(70_000), None), Some(2))
    );
    assert_eq!(
        prices(&quote(&guest, store, "16").await.unwrap()),
        (Some(45_000), None)
    );

    let request = QuoteShippingRequest {
        store_id: store.into(),
        wilaya: "17".into(),
        subtotal: Some(2_000_000),
        ..Default::default()
    };
    let warm = guest.delivery().quote_shipping(request).await.unwrap();
    assert_eq!(statements(&warm), 0, "a warm quote costs no statement");
    assert_eq!(prices(&warm.into_inner().quote.unwrap()), (Some(0), None));

    let stranger = app.customer().await;
    let refused = stranger
        .delivery()
        .set_store_rates(table)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");
}

#[tokio::test]
async fn flat_mode_costs_the_same_everywhere() {
    let app = TestApp::with(&[("SHIPPING_MODE", "flat")]).await;
    let guest = app.guest().await;
    for wilaya in ["16", "11"] {
        let quoted = quote(&guest, "", wilaya).await.unwrap();
        assert_eq!(prices(&quoted), (Some(50_000), Some(50_000)));
    }
}

#[tokio::test]
async fn what_cannot_be_priced_is_refused_with_its_reason() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let guest = app.guest().await;
    let set = async |rates: Value| {
        let path = format!("/api/stores/{}/rates", seller.store);
        let token = seller.client.token.as_deref();
        app.http(reqwest::Method::PUT, &path, token, &[], Some(rates))
            .await
    };

    let refused = quote(&guest, &seller.store, "Paris").await.unwrap_err();
    assert_eq!(reason(&refused), "UNKNOWN_WILAYA");
    assert_eq!(
        refused.get_details_bad_request().unwrap().field_violations[0].field,
        "wilaya"
    );
    let refused = quote(&guest, "store_01h455vb4pex5vsknk084sn02q", "16")
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");

    let unknown =
        set(json!({"rates": [{"wilaya": "16", "home": 1}, {"wilaya": "Paris", "home": 1}]})).await;
    assert_eq!(unknown.body["code"], "UNKNOWN_WILAYA");
    assert_eq!(unknown.body["errors"][0]["field"], "rates[1].wilaya");
    let twice =
        set(json!({"rates": [{"wilaya": "16", "home": 1}, {"wilaya": "Alger", "home": 1}]})).await;
    assert_eq!(twice.body["errors"][0]["field"], "rates[1].wilaya");

    let closed = set(json!({"rates": [{"wilaya": "31", "home": 1, "enabled": false}]})).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    let refused = quote(&guest, &seller.store, "Oran").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "SHIPPING_UNAVAILABLE")
    );

    // Abroad there is only the store's one price.
    let abroad = json!({"storeId": seller.store, "country": "France"});
    let refused = app.post("/api/shipping/quote", None, abroad.clone()).await;
    assert_eq!(refused.body["code"], "SHIPPING_UNAVAILABLE");
    set(json!({"flat": 250000})).await;
    let quoted = app.post("/api/shipping/quote", None, abroad).await;
    assert_eq!(quoted.body["quote"]["home"], "250000");
}
