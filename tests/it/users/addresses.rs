use std::time::Duration;

use futures_util::future::join_all;
use souk::pb::souk::common::v1::Address;
use souk::pb::souk::users::v1::{
    CreateAddressRequest, DeleteAddressRequest, GetAddressRequest, ListAddressesRequest,
    SetDefaultAddressRequest, UpdateAddressRequest, UserAddress,
};
use tonic::{Code, Status};

use crate::support::clients::statements;
use crate::support::{Client, TestApp, keyed, reason};

/// What tells two entries apart in time.
const MOMENT: Duration = Duration::from_millis(1);

fn new(title: &str, is_default: bool) -> CreateAddressRequest {
    CreateAddressRequest {
        title: title.into(),
        address: Some(Address {
            street: Some("12 rue Didouche Mourad".into()),
            wilaya: Some("16".into()),
            ..Default::default()
        }),
        is_default,
    }
}

async fn create(client: &Client, title: &str, is_default: bool) -> Result<UserAddress, Status> {
    let created = client
        .users()
        .create_address(new(title, is_default))
        .await?;
    Ok(created.into_inner().address.unwrap())
}

async fn delete(client: &Client, id: &str) -> Result<(), Status> {
    let request = DeleteAddressRequest { id: id.into() };
    client.users().delete_address(request).await.map(drop)
}

async fn set_default(client: &Client, id: &str) -> Result<(), Status> {
    let request = SetDefaultAddressRequest { id: id.into() };
    client.users().set_default_address(request).await.map(drop)
}

async fn list(client: &Client) -> Vec<UserAddress> {
    let request = ListAddressesRequest {
        limit: 100,
        ..Default::default()
    };
    let listed = client.users().list_addresses(request).await.unwrap();
    listed.into_inner().addresses
}

/// The titles in the list's order; the default is marked.
async fn titles(client: &Client) -> Vec<String> {
    let mark = |entry: UserAddress| match entry.is_default {
        true => format!("*{}", entry.title),
        false => entry.title,
    };
    list(client).await.into_iter().map(mark).collect()
}

#[tokio::test]
async fn the_first_address_is_the_default_until_another_is_chosen() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let home = create(&client, "Home", false).await.unwrap();
    assert!(home.is_default);
    assert_eq!(home.address.unwrap().wilaya.as_deref(), Some("Alger"));
    app.advance(MOMENT);
    create(&client, "Office", false).await.unwrap();
    app.advance(MOMENT);
    let parents = create(&client, "Parents", true).await.unwrap();
    assert_eq!(titles(&client).await, ["*Parents", "Office", "Home"]);
    set_default(&client, &home.id).await.unwrap();
    assert_eq!(titles(&client).await, ["*Home", "Parents", "Office"]);
    delete(&client, &home.id).await.unwrap();
    assert_eq!(titles(&client).await, ["*Parents", "Office"]);
    delete(&client, &parents.id).await.unwrap();
    assert_eq!(titles(&client).await, ["*Office"]);
    app.assert_sound().await;
}

#[tokio::test]
async fn changes_at_once_leave_exactly_one_default() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    join_all((0..12).map(|n| {
        let client = &client;
        async move { create(client, &format!("{n}"), n % 2 == 0).await.unwrap() }
    }))
    .await;
    let entries = list(&client).await;
    assert_eq!(entries.len(), 12);
    let storm = entries.iter().enumerate().map(|(n, entry)| {
        let client = &client;
        async move {
            match n % 2 {
                0 => set_default(client, &entry.id).await,
                _ => delete(client, &entry.id).await,
            }
        }
    });
    for outcome in join_all(storm).await {
        outcome.unwrap();
    }
    let left = list(&client).await;
    assert_eq!(left.len(), 6);
    assert_eq!(left.iter().filter(|entry| entry.is_default).count(), 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_address_of_somebody_else_is_not_found() {
    let app = TestApp::start().await;
    let (amina, yacine) = (app.customer().await, app.customer().await);
    let home = create(&amina, "Home", false).await.unwrap();
    let id = home.id.clone();
    let read = yacine
        .users()
        .get_address(GetAddressRequest { id: id.clone() })
        .await
        .map(drop);
    let write = yacine
        .users()
        .update_address(UpdateAddressRequest {
            id: id.clone(),
            title: Some("Mine".into()),
            address: None,
        })
        .await
        .map(drop);
    let others = [
        read,
        write,
        delete(&yacine, &id).await,
        set_default(&yacine, &id).await,
    ];
    for refused in others {
        assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(list(&amina).await, [home]);
}

#[tokio::test]
async fn only_the_parts_that_are_present_change() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let home = create(&client, "Home", false).await.unwrap();
    let request = UpdateAddressRequest {
        id: home.id.clone(),
        title: None,
        address: Some(Address {
            commune: Some("Hydra".into()),
            latitude: Some(36.74),
            longitude: Some(3.03),
            ..Default::default()
        }),
    };
    let changed = client.users().update_address(request).await.unwrap();
    let changed = changed.into_inner().address.unwrap();
    let address = changed.address.unwrap();
    assert_eq!((changed.title.as_str(), changed.is_default), ("Home", true));
    assert_eq!(address.street.as_deref(), Some("12 rue Didouche Mourad"));
    assert_eq!(address.commune.as_deref(), Some("Hydra"));
    let nowhere = UpdateAddressRequest {
        id: home.id,
        title: None,
        address: Some(Address {
            wilaya: Some("Atlantis".into()),
            ..Default::default()
        }),
    };
    let refused = client.users().update_address(nowhere).await.unwrap_err();
    assert_eq!(reason(&refused), "UNKNOWN_WILAYA");
}

#[tokio::test]
async fn a_book_has_fifty_entries_at_the_most() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    for n in 0..50 {
        create(&client, &format!("{n}"), false).await.unwrap();
    }
    let refused = create(&client, "one too many", false).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "ADDRESS_LIMIT");
    assert_eq!(list(&client).await.len(), 50);
}

#[tokio::test]
async fn a_book_is_paged_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    for title in ["a", "b", "c", "d", "e"] {
        create(&client, title, title == "c").await.unwrap();
        app.advance(MOMENT);
    }
    let mut request = ListAddressesRequest {
        limit: 2,
        ..Default::default()
    };
    let mut seen = String::new();
    loop {
        let part = client.users().list_addresses(request.clone()).await;
        let part = part.unwrap().into_inner();
        seen.extend(part.addresses.into_iter().map(|entry| entry.title));
        request.page_token = part.meta.unwrap().next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, "cedba");
    let other = app.customer().await;
    create(&client, "f", false).await.unwrap();
    let mut first = ListAddressesRequest {
        limit: 2,
        ..Default::default()
    };
    let part = client.users().list_addresses(first.clone()).await.unwrap();
    first.page_token = part.into_inner().meta.unwrap().next_page_token;
    let stolen = other.users().list_addresses(first).await.unwrap_err();
    assert_eq!(reason(&stolen), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn the_same_key_adds_one_address() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let answers = join_all((0..10).map(|_| {
        let mut users = client.users();
        async move { users.create_address(keyed("k", new("Home", false))).await }
    }))
    .await;
    let ids: Vec<String> = answers
        .into_iter()
        .map(|answer| answer.unwrap().into_inner().address.unwrap().id)
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(list(&client).await.len(), 1);
}

#[tokio::test]
async fn an_address_costs_few_statements() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    create(&client, "Home", false).await.unwrap();
    // Lock, count, clear the default, insert; the key's claim and its answer.
    let request = keyed("k", new("Office", true));
    let created = client.users().create_address(request).await.unwrap();
    assert!(statements(&created) <= 6, "{}", statements(&created));
    let listed = client
        .users()
        .list_addresses(ListAddressesRequest::default())
        .await
        .unwrap();
    assert_eq!(statements(&listed), 1);
}
