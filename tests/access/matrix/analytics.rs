//! Who may see what numbers.

use super::Refusal::{Hidden, Untiered};
use super::Who::{Rival, Seller};
use super::{Row, STORE, row};

pub const ROWS: &[Row] = &[
    row(
        "AnalyticsService/GetSellerStats",
        r#"{"storeId":"$store"}"#,
        STORE,
        Hidden,
    ),
    row(
        "AnalyticsService/GetB2bStats",
        "{}",
        &[Seller, Rival],
        Untiered,
    ),
    row(
        "AnalyticsService/ListReelSales",
        r#"{"storeId":"$store"}"#,
        STORE,
        Hidden,
    ),
];
