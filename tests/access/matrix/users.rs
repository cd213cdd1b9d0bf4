//! Who may call what of accounts and addresses.

use super::Refusal::{Denied, Hidden};
use super::Who::{Admin, Buyer, Rival, Seller};
use super::{ADMIN, EVERYONE, Row, SIGNED_IN, row};

pub const ROWS: &[Row] = &[
    row("UserService/GetMe", "{}", SIGNED_IN, Denied),
    row(
        "UserService/UpdateMe",
        r#"{"name":"Amine"}"#,
        SIGNED_IN,
        Denied,
    ),
    row("UserService/DeleteMe", "{}", SIGNED_IN, Denied).declining(&[
        (Buyer, "USER_HAS_OPEN_ORDERS"),
        (Seller, "USER_HAS_OPEN_ORDERS"),
        (Rival, "USER_HAS_OPEN_OFFERS"),
        (Admin, "LAST_ADMIN"),
    ]),
    row(
        "UserService/GetPublicProfile",
        r#"{"id":"$buyer"}"#,
        EVERYONE,
        Hidden,
    ),
    row("UserService/ListAddresses", "{}", SIGNED_IN, Denied),
    row(
        "UserService/GetAddress",
        r#"{"id":"$address"}"#,
        &[Buyer],
        Hidden,
    ),
    row(
        "UserService/CreateAddress",
        r#"{"title":"Home","address":{"street":"1 Rue Didouche Mourad","city":"Alger"}}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "UserService/UpdateAddress",
        r#"{"id":"$address","title":"Work"}"#,
        &[Buyer],
        Hidden,
    ),
    row(
        "UserService/DeleteAddress",
        r#"{"id":"$address"}"#,
        &[Buyer],
        Hidden,
    )
    .alone(),
    row(
        "UserService/SetDefaultAddress",
        r#"{"id":"$address"}"#,
        &[Buyer],
        Hidden,
    ),
    row("UserService/ListUsers", r#"{}"#, ADMIN, Denied),
    row("UserService/GetUser", r#"{"id":"$buyer"}"#, ADMIN, Denied),
    row(
        "UserService/CreateUser",
        r#"{"phone":"0551999996"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/UpdateUser",
        r#"{"id":"$stranger","name":"Yacine"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/SetUserRole",
        r#"{"id":"$stranger","role":"FREELANCER"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/DeactivateUser",
        r#"{"id":"$stranger"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/ActivateUser",
        r#"{"id":"$stranger"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/SetSellerCategory",
        r#"{"id":"$seller","sellerCategory":"FOURNISSEUR"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "UserService/VerifySeller",
        r#"{"id":"$seller","isVerified":false}"#,
        ADMIN,
        Denied,
    ),
];
