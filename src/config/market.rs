//! How the marketplace trades.

use std::time::Duration;

use super::read::{Name, Problem, Reader, refused};
use crate::kernel::Currency;

const AUCTION_MIN: Name = ("AUCTION_MIN_SECONDS", "market.auction_min_seconds");

/// Where shipping prices come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShippingMode {
    /// One price for every wilaya.
    Flat,
    /// A price per wilaya.
    Table,
}

/// How the marketplace trades.
#[derive(Debug, Clone)]
pub struct Market {
    /// The currency of stores that name none.
    pub currency: Currency,
    /// The calling code, such as `91`, of ten-digit phone numbers that name no country
    /// and are not Algerian; nothing leaves them as they are.
    pub phone_country: Option<String>,
    /// How long stock is held for a buyer who has not paid.
    pub reservation_ttl: Duration,
    /// How long a store has to confirm an order before it is cancelled.
    pub confirm_within: Duration,
    /// Whether orders may hold items that no catalogue lists.
    pub adhoc_items: bool,
    /// Where shipping prices come from.
    pub shipping: ShippingMode,
    /// Whether sellers see only the products of the tier right above their own.
    pub strict_tiers: bool,
    /// The shortest auction.
    pub auction_min: Duration,
    /// In the last so long of an auction a bid moves its end by as long.
    pub auction_extension: Duration,
}

/// The shortest auction that production allows: what is sold in less, nobody sees.
const AUCTION_LEAST: Duration = Duration::from_secs(60 * 60);

/// What production must not start with.
pub(super) fn refusals(market: &Market) -> Vec<Problem> {
    refused([(
        market.auction_min < AUCTION_LEAST,
        AUCTION_MIN.0,
        "must be 3600 or more: whom a shorter auction is for may hear of it too late",
    )])
}

pub(super) fn read(reader: &mut Reader, production: bool) -> Market {
    let minutes = reader.number(
        ("RESERVATION_TTL_MINUTES", "market.reservation_ttl_minutes"),
        15u64,
        1,
        60,
    );
    let hours = reader.number(
        ("ORDER_CONFIRM_HOURS", "market.order_confirm_hours"),
        72u64,
        1,
        720,
    );
    let shortest = reader.number(AUCTION_MIN, 3600u64, 1, 86_400);
    let extension = reader.number(
        (
            "AUCTION_EXTENSION_SECONDS",
            "market.auction_extension_seconds",
        ),
        120u64,
        1,
        3600,
    );
    Market {
        currency: reader.value(
            ("DEFAULT_CURRENCY", "market.default_currency"),
            Currency::DZD,
            "an ISO 4217 code such as DZD",
        ),
        phone_country: reader.with(
            ("DEFAULT_PHONE_COUNTRY", "market.default_phone_country"),
            None,
            "DZ or a calling code such as 91",
            phone_country,
        ),
        reservation_ttl: Duration::from_secs(minutes * 60),
        confirm_within: Duration::from_secs(hours * 60 * 60),
        adhoc_items: reader.flag(
            ("ALLOW_ADHOC_ITEMS", "market.allow_adhoc_items"),
            !production,
        ),
        shipping: reader.with(
            ("SHIPPING_MODE", "market.shipping_mode"),
            ShippingMode::Table,
            "flat or table",
            |text| match text.to_ascii_lowercase().as_str() {
                "flat" => Some(ShippingMode::Flat),
                "table" => Some(ShippingMode::Table),
                _ => None,
            },
        ),
        strict_tiers: reader.flag(("B2B_STRICT_TIERS", "market.b2b_strict_tiers"), false),
        auction_min: Duration::from_secs(shortest),
        auction_extension: Duration::from_secs(extension),
    }
}

/// Algerian numbers are known by their form, so `DZ` adds nothing to them.
fn phone_country(text: &str) -> Option<Option<String>> {
    let code = text.trim_start_matches('+');
    let is_code = (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    match (text.eq_ignore_ascii_case("DZ"), is_code) {
        (true, _) => Some(None),
        (false, true) => Some(Some(code.to_owned())),
        (false, false) => None,
    }
}
