//! Which texts name a file.

use super::SentPart;
use crate::kernel::{Error, Result};

/// Below it lies what has come in and is not published; so no key begins with it.
pub(super) const INCOMING: &str = "incoming";
/// The longest key in bytes: that of S3.
const KEY_MAX: usize = 1024;
/// The longest segment in bytes: what folders take, and room for a suffix.
const SEGMENT_MAX: usize = 200;

/// Whether a text is a key: it leads nowhere else in a folder, an address or a bucket.
pub fn is_key(text: &str) -> bool {
    text.len() <= KEY_MAX
        && text.split('/').next() != Some(INCOMING)
        && text.split('/').all(is_segment)
}

fn is_segment(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=SEGMENT_MAX).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(plain)
}

/// The key, or a fault of whoever made it.
pub(super) fn check(key: &str) -> Result<&str> {
    match is_key(key) {
        true => Ok(key),
        false => Err(Error::internal(format!("{key:?} is no key of a file"))),
    }
}

/// The key in the path of an address.
pub(super) fn of(path: &str) -> Option<String> {
    let key = path.strip_prefix('/')?;
    is_key(key).then(|| key.to_owned())
}

/// The etags of parts that are all there by their numbers: 1, 2, 3 and so on.
///
/// # Errors
/// NOT_FOUND when one is missing.
pub(super) fn etags(parts: &[SentPart]) -> Result<Vec<&str>> {
    let in_order = parts.iter().zip(1..).all(|(part, at)| part.number == at);
    match in_order && !parts.is_empty() {
        true => Ok(parts.iter().map(|part| bare(&part.etag)).collect()),
        false => Err(Error::not_found("part")),
    }
}

/// An etag without its quotes, which clients keep or lose.
pub(super) fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_nowhere_else() {
        let longest = ["a".repeat(SEGMENT_MAX), "b".repeat(SEGMENT_MAX)].join("/");
        for key in ["a", "a.jpg", "products/p_1/A-b_c.9.webp", &longest] {
            assert!(is_key(key), "{key}");
        }
        let many = vec!["a"; KEY_MAX].join("/");
        let long = "a".repeat(SEGMENT_MAX + 1);
        let wrong = [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "../a",
            "a/../b",
            "a/./b",
            ".a",
            "a/.b",
            "a b",
            "a%2fb",
            "a\\b",
            "a#1",
            "a?b",
            "a\0",
            "é",
            "C:a",
            "incoming",
            "incoming/a",
            &many,
            &long,
        ];
        for key in wrong {
            assert!(!is_key(key), "{key}");
        }
        assert!(is_key("incoming.jpg"));
        assert!(is_key("a/incoming/b"));
    }

    #[test]
    fn parts_must_all_be_there() {
        let part = |number| SentPart {
            number,
            etag: format!("\"e{number}\""),
        };
        assert_eq!(etags(&[part(1), part(2)]).unwrap(), ["e1", "e2"]);
        let wrong = [
            vec![],
            vec![part(2)],
            vec![part(1), part(3)],
            vec![part(2), part(1)],
            vec![part(1), part(1)],
        ];
        for parts in wrong {
            assert!(etags(&parts).is_err(), "{parts:?}");
        }
    }
}
