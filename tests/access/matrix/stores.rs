//! Who may call what of stores.

use super::Refusal::{Denied, Hidden};
use super::Who::{Admin, Seller, Staff};
use super::{ADMIN, EVERYONE, OWNER, Row, SIGNED_IN, STORE, Step, row};

pub const ROWS: &[Row] = &[
    row(
        "StoreService/CreateStore",
        r#"{"name":"Another","address":{"latitude":36.7,"longitude":3.0}}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "StoreService/GetStore",
        r#"{"id":"$store"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "StoreService/UpdateStore",
        r#"{"id":"$store","description":"New"}"#,
        STORE,
        Denied,
    ),
    row(
        "StoreService/SetOpeningHours",
        r#"{"id":"$store","openingHours":{}}"#,
        STORE,
        Denied,
    ),
    row(
        "StoreService/PauseStore",
        r#"{"id":"$store"}"#,
        STORE,
        Denied,
    ),
    row(
        "StoreService/ResumeStore",
        r#"{"id":"$store"}"#,
        STORE,
        Denied,
    ),
    row(
        "StoreService/DeleteStore",
        r#"{"id":"$store"}"#,
        OWNER,
        Denied,
    )
    .after(&[
        Step::Call(Seller, "OrderService/CancelOrder", r#"{"id":"$order"}"#),
        Step::Call(
            Seller,
            "OrderService/CancelOrder",
            r#"{"id":"$guest_order"}"#,
        ),
    ])
    .alone(),
    row(
        "StoreService/SuspendStore",
        r#"{"id":"$store"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "StoreService/AddManager",
        r#"{"storeId":"$store","userId":"$stranger","role":"STAFF"}"#,
        OWNER,
        Denied,
    ),
    row(
        "StoreService/RemoveManager",
        r#"{"storeId":"$store","userId":"$staff"}"#,
        &[Staff, Seller, Admin],
        Denied,
    )
    .alone(),
    row(
        "StoreService/ListManagers",
        r#"{"storeId":"$store"}"#,
        STORE,
        Denied,
    ),
    row("StoreService/SearchStores", "{}", EVERYONE, Denied),
    row(
        "StoreService/ListNearbyStores",
        r#"{"latitude":36.75,"longitude":3.05}"#,
        EVERYONE,
        Denied,
    ),
    row("StoreService/ListMyStores", "{}", SIGNED_IN, Denied),
    row(
        "StoreService/GetStoreAvailability",
        r#"{"id":"$store"}"#,
        EVERYONE,
        Hidden,
    ),
];
