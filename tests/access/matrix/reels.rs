//! Who may call what of reels.

use super::Refusal::{Denied, Hidden};
use super::Who::{Admin, Buyer, Rival, RivalStaff, Seller, Staff, Stranger};
use super::{ADMIN, EVERYONE, Row, SIGNED_IN, STORE, row};

pub const ROWS: &[Row] = &[
    row(
        "ReelService/ListReels",
        r#"{"storeId":"$store"}"#,
        EVERYONE,
        Denied,
    ),
    row("ReelService/ListMyReels", "{}", SIGNED_IN, Denied),
    row("ReelService/GetReel", r#"{"id":"$reel"}"#, EVERYONE, Hidden),
    row(
        "ReelService/CreateReel",
        r#"{"productId":"$product","caption":"Steamed twice"}"#,
        STORE,
        Denied,
    ),
    // The file is the seller's.
    row(
        "ReelService/SetReelVideo",
        r#"{"id":"$draft","videoMediaId":"$video"}"#,
        STORE,
        Hidden,
    )
    .declining(&[(Staff, "UPLOAD_NOT_FOUND"), (Admin, "UPLOAD_NOT_FOUND")])
    .alone(),
    row(
        "ReelService/UpdateReel",
        r#"{"id":"$reel","caption":"Rolled by hand"}"#,
        STORE,
        Denied,
    ),
    row("ReelService/DeleteReel", r#"{"id":"$reel"}"#, STORE, Denied).alone(),
    row(
        "ReelService/LikeReel",
        r#"{"id":"$reel"}"#,
        SIGNED_IN,
        Hidden,
    ),
    row(
        "ReelService/UnlikeReel",
        r#"{"id":"$reel"}"#,
        SIGNED_IN,
        Hidden,
    ),
    row(
        "ReelService/ListLikes",
        r#"{"id":"$reel"}"#,
        SIGNED_IN,
        Hidden,
    ),
    row(
        "ReelService/RecordView",
        r#"{"id":"$reel"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "ReelService/WatchReel",
        r#"{"id":"$reel"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "ReelService/ListComments",
        r#"{"id":"$reel"}"#,
        EVERYONE,
        Hidden,
    ),
    row(
        "ReelService/AddComment",
        r#"{"id":"$reel","content":"As my mother makes it"}"#,
        SIGNED_IN,
        Denied,
    ),
    row(
        "ReelService/UpdateComment",
        r#"{"id":"$comment","content":"Light as a cloud"}"#,
        &[Buyer],
        Denied,
    ),
    row(
        "ReelService/DeleteComment",
        r#"{"id":"$comment"}"#,
        &[Buyer, Seller, Staff, Admin],
        Denied,
    )
    .alone(),
    row(
        "ReelService/ReportReel",
        r#"{"id":"$reel","reason":"FRAUD"}"#,
        &[Buyer, Stranger, Rival, RivalStaff, Admin],
        Denied,
    ),
    row(
        "ReelService/ReportComment",
        r#"{"id":"$comment","reason":"SPAM"}"#,
        &[Stranger, Seller, Rival, Staff, RivalStaff, Admin],
        Denied,
    ),
    row("ReelService/ListReports", "{}", ADMIN, Denied),
    row(
        "ReelService/DismissReport",
        r#"{"id":"$report"}"#,
        ADMIN,
        Denied,
    ),
    row("ReelService/HideReel", r#"{"id":"$reel"}"#, ADMIN, Denied),
    row("ReelService/ShowReel", r#"{"id":"$reel"}"#, ADMIN, Denied),
    row(
        "ReelService/HideComment",
        r#"{"id":"$comment"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "ReelService/ShowComment",
        r#"{"id":"$comment"}"#,
        ADMIN,
        Denied,
    ),
    row("ReelService/ListBlockedWords", "{}", ADMIN, Denied),
    row(
        "ReelService/AddBlockedWord",
        r#"{"word":"swindle"}"#,
        ADMIN,
        Denied,
    ),
    row(
        "ReelService/RemoveBlockedWord",
        r#"{"id":"$word"}"#,
        ADMIN,
        Denied,
    ),
];
