//! Who may call what of the trade between businesses: the rival offers, the seller answers.

use super::Refusal::Untiered;
use super::Who::{Admin, Rival, Seller};
use super::{Row, Who, row};

/// Who may look at the trade.
const TRADERS: &[Who] = &[Rival, Seller, Admin];

pub const ROWS: &[Row] = &[
    row("B2bService/ListOffers", "{}", TRADERS, Untiered),
    row(
        "B2bService/CreateOffer",
        r#"{"title":"Semoule en gros","basePrice":1000,"availableQuantity":50}"#,
        TRADERS,
        Untiered,
    )
    .declining(&[(Seller, "TIER_CANNOT_TARGET"), (Admin, "FORBIDDEN")]),
    row(
        "B2bService/GetOffer",
        r#"{"id":"$offer"}"#,
        TRADERS,
        Untiered,
    ),
    row(
        "B2bService/UpdateOffer",
        r#"{"id":"$offer","title":"Semoule moyenne"}"#,
        &[Rival],
        Untiered,
    )
    .knowing(&[Seller, Admin]),
    row(
        "B2bService/CloseOffer",
        r#"{"id":"$offer"}"#,
        &[Rival, Admin],
        Untiered,
    )
    .knowing(&[Seller]),
    row(
        "B2bService/DeleteOffer",
        r#"{"id":"$unanswered"}"#,
        &[Rival],
        Untiered,
    )
    .knowing(&[Seller, Admin]),
    row(
        "B2bService/SubmitResponse",
        r#"{"offerId":"$auction","amount":2000}"#,
        TRADERS,
        Untiered,
    )
    .declining(&[
        (Rival, "TIER_CANNOT_RESPOND"),
        (Admin, "TIER_CANNOT_RESPOND"),
    ]),
    row(
        "B2bService/GetResponse",
        r#"{"id":"$response"}"#,
        TRADERS,
        Untiered,
    ),
    row(
        "B2bService/CounterResponse",
        r#"{"id":"$response","round":1,"amount":950}"#,
        &[Rival, Seller],
        Untiered,
    )
    .knowing(&[Admin])
    .alone(),
    // The terms are the seller's own.
    row(
        "B2bService/AcceptResponse",
        r#"{"id":"$response","round":1}"#,
        &[Rival],
        Untiered,
    )
    .knowing(&[Seller, Admin]),
    row(
        "B2bService/RejectResponse",
        r#"{"id":"$response"}"#,
        &[Rival],
        Untiered,
    )
    .knowing(&[Seller, Admin]),
    row(
        "B2bService/WithdrawResponse",
        r#"{"id":"$response"}"#,
        &[Seller],
        Untiered,
    )
    .knowing(&[Rival, Admin]),
    row(
        "B2bService/ListOfferResponses",
        r#"{"offerId":"$offer"}"#,
        &[Rival, Admin],
        Untiered,
    )
    .knowing(&[Seller]),
    row(
        "B2bService/GetBidHistory",
        r#"{"offerId":"$auction"}"#,
        TRADERS,
        Untiered,
    ),
    row("B2bService/ListMyOffers", "{}", TRADERS, Untiered),
    row("B2bService/ListMyResponses", "{}", TRADERS, Untiered),
    row(
        "B2bService/WatchOffer",
        r#"{"id":"$auction"}"#,
        TRADERS,
        Untiered,
    ),
    row("B2bService/WatchMyOffers", "{}", TRADERS, Untiered),
    row("B2bService/WatchMyResponses", "{}", TRADERS, Untiered),
];
