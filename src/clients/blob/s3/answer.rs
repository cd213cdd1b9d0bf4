//! What a bucket says.

use http::StatusCode;
use http::header::CONTENT_LENGTH;

use crate::clients::http::Answer;
use crate::kernel::{Error, Result};

/// So much of an answer's words is kept for the log.
const WORDS_MAX: usize = 300;

/// Whether it asks to come later, and is well.
pub(super) fn is_busy(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT => true,
        StatusCode::SERVICE_UNAVAILABLE => answer.retry_after().is_some(),
        _ => false,
    }
}

/// Whether it says that something is not there. A bucket that is not there is a wrong
/// setting, and tells nothing of what it should hold.
pub(super) fn is_absent(answer: &Answer) -> bool {
    let says = |word: &str| String::from_utf8_lossy(&answer.body).contains(word);
    answer.status == StatusCode::NOT_FOUND && !says("<Code>NoSuchBucket<")
}

/// An answer that is none of those that a call can have: worth another try, because a key
/// or a rule that somebody sets right makes it work.
pub(super) fn refused(answer: &Answer) -> Error {
    let error = Error::unavailable("the object store does not do its part", words(answer));
    match answer.retry_after() {
        Some(wait) => error.retry_after(wait),
        None => error,
    }
}

pub(super) fn unread(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable("the answer of the object store cannot be read", error)
}

/// Its status and the first of its words.
pub(super) fn words(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text: String = text.chars().take(WORDS_MAX).collect();
    format!("{} {text}", answer.status.as_u16())
}

pub(super) fn text(answer: &Answer) -> Result<&str> {
    std::str::from_utf8(&answer.body).map_err(unread)
}

/// Whether it tells of a result by this name: a copy says OK before it is done, and what
/// came of it at the end.
pub(super) fn is_done(answer: &Answer, name: &str) -> bool {
    let text = String::from_utf8_lossy(&answer.body);
    text.contains(&format!("<{name}"))
}

/// The size of what a HEAD asked about.
pub(super) fn size(answer: &Answer) -> Result<u64> {
    let length = answer.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.ok_or_else(|| unread("no length"))
}
