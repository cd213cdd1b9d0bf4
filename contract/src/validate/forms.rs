//! The well-known forms that rules refer to, and the lengths they count.

use std::collections::BTreeSet;

/// Fewer characters (Unicode scalar values) than `limit`.
pub fn is_shorter(text: &str, limit: usize) -> bool {
    // A character has at most four bytes, so a long text need not be counted.
    text.len() < limit.saturating_mul(4) && text.chars().count() < limit
}

/// More characters than `limit`.
pub fn is_longer(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}

/// No element twice.
pub fn is_unique<T: Ord>(items: &[T]) -> bool {
    let mut seen = BTreeSet::new();
    items.iter().all(|item| seen.insert(item))
}

/// An email address as the HTML standard defines it.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_local = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    !local.is_empty() && local.chars().all(is_local) && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A URI with a scheme (RFC 3986): no blank, no control, escapes well formed.
pub fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let escapes_are_whole = rest.split('%').skip(1).all(|after| {
        let mut digits = after.bytes().take(2).filter(u8::is_ascii_hexdigit);
        digits.by_ref().count() == 2
    });
    is_scheme && !rest.is_empty() && rest.bytes().all(is_plain) && escapes_are_whole
}

/// A UUID in its hyphenated form, in either case.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses() {
        for text in ["a@b.dz", "first.last+tag@mail.example.com", "a@localhost"] {
            assert!(is_email(text), "{text}");
        }
        for text in [
            "", "a", "a@", "@b.dz", "a b@c.dz", "a@b..dz", "a@-b.dz", "a@b@c",
        ] {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn uris() {
        for text in ["https://souk.example/a?b=c#d", "mailto:a@b.dz", "data:,%20"] {
            assert!(is_uri(text), "{text}");
        }
        for text in [
            "",
            "souk.example",
            "https:",
            "1a:b",
            "https://a b",
            "https://a/%2",
            "a:%zz",
        ] {
            assert!(!is_uri(text), "{text}");
        }
    }

    #[test]
    fn uuids() {
        assert!(is_uuid("0199f0c4-7d1e-7ABC-8def-0123456789ab"));
        assert!(!is_uuid("0199f0c47d1e7abc8def0123456789ab"));
        assert!(!is_uuid("0199f0c4-7d1e-7abc-8def-0123456789ag"));
    }

    #[test]
    fn lengths_at_their_limits() {
        assert!(is_shorter("éé", 3) && !is_shorter("ééé", 3));
        assert!(is_longer("éééé", 3) && !is_longer("ééé", 3));
        assert!(is_unique(&[1, 2, 3]) && !is_unique(&[1, 2, 1]));
    }
}
