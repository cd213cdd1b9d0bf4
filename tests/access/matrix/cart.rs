//! Who may call what of carts.

use super::Refusal::{Denied, Hidden};
use super::Who::{Buyer, Seller};
use super::{Row, SIGNED_IN, row};

pub const ROWS: &[Row] = &[
    row("CartService/GetCart", "{}", SIGNED_IN, Denied),
    row(
        "CartService/AddItem",
        r#"{"productId":"$product","quantity":1}"#,
        SIGNED_IN,
        Denied,
    )
    .declining(&[(Seller, "OWN_PRODUCT")]),
    row(
        "CartService/UpdateItem",
        r#"{"id":"$line","quantity":2}"#,
        &[Buyer],
        Hidden,
    ),
    row(
        "CartService/RemoveItem",
        r#"{"id":"$line"}"#,
        &[Buyer],
        Hidden,
    )
    .alone(),
    row("CartService/ClearCart", "{}", SIGNED_IN, Denied),
    row("CartService/ValidateCart", "{}", SIGNED_IN, Denied),
    row("CartService/GetCartSummary", "{}", SIGNED_IN, Denied),
    row("CartService/GetCartCount", "{}", SIGNED_IN, Denied),
];
