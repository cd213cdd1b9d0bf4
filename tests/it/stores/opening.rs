//! Opening a store: who may, what is demanded, what is answered.

use serde_json::json;
use souk::pb::souk::common::v1::Address;
use souk::pb::souk::stores::v1::opening_period::Weekday;
use souk::pb::souk::stores::v1::store::Status;
use souk::pb::souk::stores::v1::{
    CreateStoreRequest, GetStoreRequest, ListMyStoresRequest, OpeningHours, OpeningPeriod,
};
use souk::pb::souk::users::v1::{GetMeRequest, user};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::clients::statements;
use crate::support::{TestApp, keyed, reason};

fn in_algiers() -> CreateStoreRequest {
    CreateStoreRequest {
        name: "Épicerie El Baraka".into(),
        address: Some(Address {
            wilaya: Some("algiers".into()),
            latitude: Some(36.7538),
            longitude: Some(3.0588),
            ..Address::default()
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_customer_becomes_a_store_owner_and_reads_the_whole_store() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let request = CreateStoreRequest {
        phone: "0550 12 34 56".into(),
        min_order_amount: Some(100_000),
        ..in_algiers()
    };
    let created = owner.stores().create_store(request).await.unwrap();
    let created = created.into_inner().store.unwrap();
    assert_eq!(created.owner_id, owner.user_id);
    assert_eq!(created.phone, "+213550123456");
    assert_eq!((created.address.clone(), created.status), (None, None));

    let get = GetStoreRequest {
        id: created.id.clone(),
    };
    let guest = app.guest().await;
    let cold = guest.stores().get_store(get.clone()).await.unwrap();
    assert_eq!(statements(&cold), 2);
    let warm = guest.stores().get_store(get).await.unwrap();
    assert_eq!(statements(&warm), 0);
    let store = warm.into_inner().store.unwrap();
    assert_eq!(store.status(), Status::Active);
    assert_eq!(store.delivery_radius_km, Some(10.0));
    assert_eq!(store.currency.as_deref(), Some("DZD"));
    let address = store.address.unwrap();
    assert_eq!(address.wilaya.as_deref(), Some("Alger"));
    assert_eq!(address.country.as_deref(), Some("DZ"));

    let me = owner.users().get_me(GetMeRequest {}).await.unwrap();
    assert_eq!(me.into_inner().user.unwrap().role(), user::Role::StoreOwner);
}

#[tokio::test]
async fn what_a_store_needs_is_demanded_with_the_field() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let address = |change: fn(&mut Address)| {
        let mut request = in_algiers();
        change(request.address.as_mut().unwrap());
        request
    };
    let overlapping = OpeningHours {
        periods: ["09:00", "11:00"]
            .map(|open| OpeningPeriod {
                day: Weekday::Sunday.into(),
                open: open.into(),
                close: "12:00".into(),
            })
            .into(),
        ..OpeningHours::default()
    };
    let cases = [
        (
            address(|address| address.latitude = None),
            "VALIDATION_ERROR",
            "address.latitude",
        ),
        (
            address(|address| address.wilaya = Some("Paris".into())),
            "UNKNOWN_WILAYA",
            "address.wilaya",
        ),
        (
            CreateStoreRequest {
                phone: "12".into(),
                ..in_algiers()
            },
            "INVALID_PHONE",
            "phone",
        ),
        (
            CreateStoreRequest {
                currency: Some("ZZZ".into()),
                ..in_algiers()
            },
            "CURRENCY_UNSUPPORTED",
            "currency",
        ),
        (
            CreateStoreRequest {
                opening_hours: Some(overlapping),
                ..in_algiers()
            },
            "VALIDATION_ERROR",
            "openingHours.periods",
        ),
        (
            CreateStoreRequest {
                name: "  ".into(),
                ..in_algiers()
            },
            "VALIDATION_ERROR",
            "name",
        ),
    ];
    let before = app.rows().await;
    for (request, expected, field) in cases {
        let refused = owner.stores().create_store(request).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, expected)
        );
        let named = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(named[0].field, field);
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn the_same_key_opens_one_store() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let first = owner
        .stores()
        .create_store(keyed("open-1", in_algiers()))
        .await
        .unwrap();
    let again = owner
        .stores()
        .create_store(keyed("open-1", in_algiers()))
        .await
        .unwrap();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(first.into_inner(), again.into_inner());
    assert_eq!(app.number("SELECT count(*) FROM stores").await, 1);
}

#[tokio::test]
async fn a_draft_is_seen_by_its_members_only() {
    let app = TestApp::start().await;
    let (owner, stranger) = (app.customer().await, app.customer().await);
    let draft = json!({
        "name": "Bientôt", "draft": true,
        "address": {"latitude": 36.7538, "longitude": 3.0588},
    });
    let created = app.post("/api/stores", owner.token.as_deref(), draft).await;
    assert_eq!(created.status, 201);
    let path = format!(
        "/api/stores/{}",
        created.body["store"]["id"].as_str().unwrap()
    );
    let seen = app.get(&path, owner.token.as_deref()).await;
    assert_eq!(seen.body["store"]["status"], "DRAFT");
    for token in [None, stranger.token.as_deref()] {
        assert_eq!(app.get(&path, token).await.body["code"], "NOT_FOUND");
    }
    let resumed = app
        .post(&format!("{path}/resume"), owner.token.as_deref(), json!({}))
        .await;
    assert_eq!(resumed.body["store"]["status"], "ACTIVE");
    assert_eq!(app.get(&path, None).await.status, 200);

    let mine = owner
        .stores()
        .list_my_stores(ListMyStoresRequest::default())
        .await
        .unwrap();
    assert_eq!(mine.into_inner().stores.len(), 1);
}
