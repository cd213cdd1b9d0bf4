//! The names that files get in the store. Pure.
//!
//! A name is given once and nobody can guess it: it carries 128 random bits. What the
//! client calls the file is in it only for people to read.

use std::fmt::Display;

use super::check::Kind;
use crate::kernel::text::fold;
use crate::kernel::{Error, Result, Time, random};

/// The most characters of the client's name that a key carries.
const NAME_MAX: usize = 40;

/// A new key below a folder; the ending comes from the format, not from the name.
pub fn new(folder: impl Display, name: &str, kind: Kind, now: Time) -> String {
    let random = u128::from_be_bytes(random::bytes());
    format!(
        "{folder}/{}-{random:032x}-{}.{}",
        now.seconds(),
        readable(name),
        kind.ending()
    )
}

/// The key of the small picture that stands for a file.
pub fn thumbnail(key: &str) -> String {
    let stem = key.rsplit_once('.').map_or(key, |(stem, _ending)| stem);
    format!("{stem}.thumb.jpg")
}

/// Refuses a name that is more than the name of a file: one that leads through folders, or
/// is shown as another than it is. A key would carry nothing of that ([`new`]), but who sends
/// it should learn of it.
///
/// # Errors
/// VALIDATION_ERROR at the field.
pub fn check_name(field: &'static str, name: &str) -> Result<()> {
    let lower = name.to_ascii_lowercase();
    let leads = matches!(name, "." | "..")
        || ["/", "\\", "%2f", "%5c"]
            .iter()
            .any(|step| lower.contains(step));
    if leads {
        return Err(Error::field(
            field,
            "must be the name of a file, without folders",
        ));
    }
    // Besides control characters those that turn the direction of what follows.
    let turns = |letter| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match name
        .chars()
        .any(|letter| letter.is_control() || turns(letter))
    {
        true => Err(Error::field(field, "must be a name that is shown as it is")),
        false => Ok(()),
    }
}

/// What can be read of a name: its letters and digits, without folders and ending.
fn readable(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _ending)| stem);
    let mut words = fold(stem).replace(' ', "-");
    // Folded text is ASCII, so every byte ends a character.
    words.truncate(NAME_MAX);
    match words.trim_end_matches('-') {
        "" => "file".to_owned(),
        words => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Time = Time::from_micros(1_780_000_000_000_000);

    #[test]
    fn a_name_becomes_letters_digits_and_dashes() {
        for (name, readable_part) in [
            ("Tapis berbère (1).JPG", "tapis-berbere-1"),
            ("../../etc/passwd", "passwd"),
            ("C:\\photos\\été.png", "ete"),
            ("..", "file"),
            (".htaccess", "file"),
            ("", "file"),
            ("سجاد.png", "sjd"),
            ("a%2f..%2fb.jpg", "2fb"),
        ] {
            assert!(
                readable(name).ends_with(readable_part),
                "{name}: {}",
                readable(name)
            );
        }
    }

    #[test]
    fn a_name_leads_nowhere_and_is_what_it_shows() {
        for name in [
            "",
            "Tapis berbère (1).JPG",
            "a..b.png",
            ".htaccess",
            "سجاد.png",
            "50%.png",
        ] {
            check_name("fileName", name).unwrap();
        }
        for name in [
            "../../etc/passwd",
            "C:\\photos\\a.png",
            "/a.png",
            "a/b.png",
            "..",
            ".",
            "%2e%2E%2Fa.png",
            "a%5Cb.png",
            "a\u{1}.png",
            "a\n.png",
            "\u{202e}gnp.exe",
        ] {
            let refused = check_name("fileName", name).unwrap_err();
            assert_eq!(refused.violations()[0].field, "fileName", "{name:?}");
        }
    }

    #[test]
    fn two_files_of_one_name_get_two_keys() {
        let key = || new("uploads/usr_1", "a.png", Kind::Png, NOW);
        assert_ne!(key(), key());
        assert!(key().starts_with("uploads/usr_1/1780000000-"));
        assert!(key().ends_with("-a.png"));
    }

    #[test]
    fn a_thumbnail_stands_beside_its_file() {
        assert_eq!(
            thumbnail("reels/usr_1/1-a.mp4"),
            "reels/usr_1/1-a.thumb.jpg"
        );
    }

    proptest! {
        #[test]
        fn no_name_leads_out_of_its_folder(name in any::<String>()) {
            let key = new("uploads/usr_1", &name, Kind::Jpeg, NOW);
            let rest = key.strip_prefix("uploads/usr_1/").unwrap();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
            prop_assert!(rest.bytes().all(plain), "{key}");
            prop_assert!(!rest.contains("..") && key.len() < 200, "{key}");
            prop_assert!(rest.ends_with(".jpg") && rest.matches('.').count() == 1, "{key}");
        }
    }
}
