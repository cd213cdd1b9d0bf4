//! Who may call what of files.

use super::Refusal::{Denied, Hidden};
use super::{OWNER, Row, STORE, row};

pub const ROWS: &[Row] = &[
    row(
        "MediaService/CreateUpload",
        r#"{"purpose":"PRODUCT_IMAGE","productId":"$product","fileName":"couscous.jpg","contentType":"image/jpeg","size":1000}"#,
        STORE,
        Denied,
    ),
    // It is complete already: another time changes nothing.
    row(
        "MediaService/CompleteUpload",
        r#"{"id":"$media"}"#,
        OWNER,
        Hidden,
    ),
    row(
        "MediaService/AbortUpload",
        r#"{"id":"$upload"}"#,
        OWNER,
        Hidden,
    )
    .alone(),
    row("MediaService/GetMedia", r#"{"id":"$media"}"#, OWNER, Hidden),
    row(
        "MediaService/DeleteObject",
        r#"{"key":"$upload"}"#,
        OWNER,
        Hidden,
    )
    .alone(),
    row(
        "MediaService/UploadProductImage",
        r#"{"productId":"$product","file":"$picture","contentType":"image/gif"}"#,
        STORE,
        Denied,
    ),
];
