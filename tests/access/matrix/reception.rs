//! Who may call what of the reception of reels: likes, views, and the stream of both.

use super::Refusal::Hidden;
use super::{EVERYONE, Row, SIGNED_IN, row};

pub const ROWS: &[Row] = &[
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
];
