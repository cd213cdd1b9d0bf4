//! Who may call what of delivery.

use super::Refusal::{Denied, Hidden};
use super::{ADMIN, EVERYONE, Row, STORE, row};

pub const ROWS: &[Row] = &[
    row("DeliveryService/ListWilayas", "{}", EVERYONE, Denied),
    row(
        "DeliveryService/QuoteShipping",
        r#"{"storeId":"$store","wilaya":"16"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "DeliveryService/SetStoreRates",
        r#"{"storeId":"$store","rates":[{"wilaya":"16","home":40000}]}"#,
        STORE,
        Denied,
    ),
    row(
        "DeliveryService/SetDefaultRates",
        r#"{"rates":[{"wilaya":"16","home":40000}]}"#,
        ADMIN,
        Denied,
    ),
];
