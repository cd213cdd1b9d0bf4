//! The id that correlates a call's log lines, its errors and its caller's report.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName};

use crate::kernel::random;

/// The header that carries the id in and out.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// An id that a caller sends may be this long.
const MAX_LEN: usize = 128;

pub(super) use crate::kernel::trace::{request_id as current, scope, with};

/// Gives ids: unpredictable per process, counted within it, so that an id costs no
/// call into the operating system.
#[derive(Debug)]
pub(super) struct Ids {
    prefix: String,
    count: AtomicU64,
}

impl Ids {
    pub(super) fn new() -> Self {
        let random = u64::from_le_bytes(random::bytes());
        Self {
            prefix: format!("{random:016x}-"),
            count: AtomicU64::new(1),
        }
    }

    /// The caller's own id where it sent a usable one, a new one otherwise.
    pub(super) fn of(&self, headers: &HeaderMap) -> Arc<str> {
        let sent = headers.get(&HEADER).and_then(|value| value.to_str().ok());
        match sent {
            Some(id) if usable(id) => id.into(),
            _ => self.next(),
        }
    }

    fn next(&self) -> Arc<str> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{}{count:x}", self.prefix).into()
    }
}

/// Ids end up in logs, so only plain characters are taken over.
fn usable(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_LEN
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usable_id_is_kept_and_any_other_replaced() {
        let ids = Ids::new();
        let of = |sent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, sent.parse().unwrap());
            ids.of(&headers).to_string()
        };
        assert_eq!(of("checkout-42"), "checkout-42");
        for odd in ["", "two words", "a\"b", &"x".repeat(129)] {
            assert_ne!(of(odd), odd);
        }
        assert_ne!(ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
    }
}
