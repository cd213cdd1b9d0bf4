//! Who may see what numbers.

use super::Refusal::Hidden;
use super::{Row, STORE, row};

pub const ROWS: &[Row] = &[
    row(
        "AnalyticsService/GetSellerStats",
        r#"{"storeId":"$store"}"#,
        STORE,
        Hidden,
    ),
    row(
        "AnalyticsService/ListReelSales",
        r#"{"storeId":"$store"}"#,
        STORE,
        Hidden,
    ),
];
