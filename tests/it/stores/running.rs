//! Running a store: changes, hours, staff, pause, suspension, closing.

use std::time::Duration;

use serde_json::json;
use souk::pb::souk::common::v1::Address;
use souk::pb::souk::stores::v1::store::Status;
use souk::pb::souk::stores::v1::{
    AddManagerRequest, DeleteStoreRequest, GetStoreAvailabilityRequest,
    GetStoreAvailabilityResponse, GetStoreRequest, ListManagersRequest, PauseStoreRequest,
    RemoveManagerRequest, ResumeStoreRequest, SuspendStoreRequest, UpdateStoreRequest,
    store_manager,
};
use tonic::Code;

use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason};

fn rename(id: &str, name: &str) -> UpdateStoreRequest {
    UpdateStoreRequest {
        id: id.into(),
        name: Some(name.into()),
        ..Default::default()
    }
}

fn hire(store: &str, who: &Client, role: store_manager::Role) -> AddManagerRequest {
    AddManagerRequest {
        store_id: store.into(),
        user_id: who.user_id.clone(),
        role: role.into(),
    }
}

fn fire(store: &str, who: &Client) -> RemoveManagerRequest {
    RemoveManagerRequest {
        store_id: store.into(),
        user_id: who.user_id.clone(),
    }
}

#[tokio::test]
async fn only_what_is_sent_changes_and_everyone_sees_it_at_once() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let get = GetStoreRequest {
        id: seller.store.clone(),
    };
    let before = seller.client.stores().get_store(get.clone()).await.unwrap();
    let before = before.into_inner().store.unwrap();
    app.advance(Duration::from_secs(1));
    let update = UpdateStoreRequest {
        description: Some("Pain et lait".into()),
        address: Some(Address {
            commune: Some("Bab El Oued".into()),
            ..Address::default()
        }),
        ..rename(&seller.store, "El Baraka")
    };
    let updated = seller.client.stores().update_store(update).await.unwrap();
    assert!(statements(&updated) <= 4, "{}", statements(&updated));
    let updated = updated.into_inner().store.unwrap();
    let mut expected = before.clone();
    expected.name = "El Baraka".into();
    expected.description = "Pain et lait".into();
    expected.address.as_mut().unwrap().commune = Some("Bab El Oued".into());
    expected.updated_at = updated.updated_at;
    assert_ne!(updated.updated_at, before.updated_at);
    assert_eq!(updated, expected);
    let seen = app.guest().await.stores().get_store(get).await.unwrap();
    assert_eq!(seen.into_inner().store.unwrap(), updated);
}

#[tokio::test]
async fn staff_works_within_its_role_until_it_leaves() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let (member, stranger) = (app.customer().await, app.customer().await);
    let (owner, store) = (seller.client.stores(), seller.store.as_str());
    let add = async |role| owner.clone().add_manager(hire(store, &member, role)).await;

    let refused = stranger
        .stores()
        .update_store(rename(store, "X"))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "FORBIDDEN")
    );

    let added = add(store_manager::Role::Unspecified)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(added.manager.unwrap().role(), store_manager::Role::Manager);
    member
        .stores()
        .update_store(rename(store, "Nouveau nom"))
        .await
        .unwrap();
    add(store_manager::Role::Staff).await.unwrap();
    let refused = member
        .stores()
        .update_store(rename(store, "X"))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");
    let hiring = hire(store, &stranger, store_manager::Role::Staff);
    let refused = member.stores().add_manager(hiring).await.unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");

    let list = ListManagersRequest {
        store_id: store.into(),
        ..Default::default()
    };
    let listed = owner.clone().list_managers(list).await.unwrap();
    let managers = listed.into_inner().managers;
    assert_eq!(managers.len(), 1);
    assert_eq!(managers[0].user_id, member.user_id);

    let refused = owner
        .clone()
        .remove_manager(fire(store, &seller.client))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "STORE_OWNER_FIXED");
    member
        .stores()
        .remove_manager(fire(store, &member))
        .await
        .unwrap();
    let refused = owner
        .clone()
        .remove_manager(fire(store, &member))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
}

#[tokio::test]
async fn a_suspended_store_waits_for_an_administrator() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let (admin, guest) = (app.admin().await, app.guest().await);
    let id = seller.store.clone();
    let mut owner = seller.client.stores();
    let paused = owner
        .pause_store(PauseStoreRequest { id: id.clone() })
        .await
        .unwrap();
    assert_eq!(paused.into_inner().store.unwrap().status(), Status::Paused);
    guest
        .stores()
        .get_store(GetStoreRequest { id: id.clone() })
        .await
        .unwrap();

    let suspend = SuspendStoreRequest {
        id: id.clone(),
        reason: "complaints".into(),
    };
    let refused = owner.suspend_store(suspend.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    admin.stores().suspend_store(suspend).await.unwrap();
    let hidden = guest
        .stores()
        .get_store(GetStoreRequest { id: id.clone() })
        .await
        .unwrap_err();
    assert_eq!(reason(&hidden), "NOT_FOUND");
    let resume = ResumeStoreRequest { id: id.clone() };
    let refused = owner.resume_store(resume.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");
    let refused = owner
        .pause_store(PauseStoreRequest { id: id.clone() })
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "INVALID_STATUS_TRANSITION");
    let resumed = admin.stores().resume_store(resume).await.unwrap();
    assert_eq!(resumed.into_inner().store.unwrap().status(), Status::Active);

    owner
        .delete_store(DeleteStoreRequest { id: id.clone() })
        .await
        .unwrap();
    let gone = owner.get_store(GetStoreRequest { id }).await.unwrap_err();
    assert_eq!(reason(&gone), "NOT_FOUND");
}

#[tokio::test]
async fn availability_follows_the_stores_own_clock() {
    // The tests begin on a Tuesday at 10:00 in Algiers.
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let path = format!("/api/stores/{}/hours", seller.store);
    let hours = json!({"periods": [
        {"day": "TUE", "open": "09:00", "close": "12:00"},
        {"day": "TUESDAY", "open": "20:00", "close": "02:00"},
    ]});
    let token = seller.client.token.as_deref();
    let set = app
        .http(reqwest::Method::PUT, &path, token, &[], Some(hours))
        .await;
    assert_eq!(set.status, 200, "{}", set.text);
    assert_eq!(
        set.body["store"]["openingHours"]["timeZone"],
        "Africa/Algiers"
    );

    let ask = async |latitude: Option<f64>| -> GetStoreAvailabilityResponse {
        let request = GetStoreAvailabilityRequest {
            id: seller.store.clone(),
            latitude,
            longitude: latitude.map(|_| 3.0510),
        };
        let asked = app
            .guest()
            .await
            .stores()
            .get_store_availability(request)
            .await;
        asked.unwrap().into_inner()
    };
    let seconds = |answer: &GetStoreAvailabilityResponse| {
        let next = [&answer.next_open_time, &answer.next_close_time];
        next.map(|time| time.as_ref().unwrap().seconds)
    };
    let ten = 1_768_899_600;
    let hour = 3600;
    let open = ask(None).await;
    assert!(open.is_open && open.delivery_available);
    assert_eq!(seconds(&open), [ten + 10 * hour, ten + 2 * hour]);
    assert!(ask(Some(36.80)).await.delivery_available);
    assert!(!ask(Some(37.50)).await.delivery_available, "beyond 10 km");

    app.advance(Duration::from_secs(2 * 3600));
    let closed = ask(None).await;
    assert!(!closed.is_open && !closed.delivery_available);
    assert_eq!(seconds(&closed), [ten + 10 * hour, ten + 16 * hour]);
    app.advance(Duration::from_secs(13 * 3600));
    let after_midnight = ask(None).await;
    assert!(after_midnight.is_open);
    assert_eq!(
        seconds(&after_midnight),
        [ten + (7 * 24 - 1) * hour, ten + 16 * hour]
    );

    // The access token of this morning has expired.
    let owner = app.sign_in(&seller.client.phone).await;
    let mut owner = owner.stores();
    owner
        .pause_store(PauseStoreRequest {
            id: seller.store.clone(),
        })
        .await
        .unwrap();
    let paused = ask(None).await;
    assert_eq!(
        (
            paused.is_open,
            paused.next_open_time,
            paused.next_close_time
        ),
        (false, None, None)
    );
}
