//! The words of every enum, with the aliases that JSON input may use.

include!(concat!(env!("OUT_DIR"), "/enums.rs"));

/// The words of one enum.
#[derive(Clone, Copy, Debug)]
pub struct EnumTable {
    /// The enum's full name, such as `souk.users.v1.User.Role`.
    pub full_name: &'static str,
    /// Its words in the contract's order, the unspecified one included.
    pub words: &'static [Word],
}

/// One value of an enum.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The contract's word, which JSON output uses.
    pub name: &'static str,
    /// Its number on the wire.
    pub number: i32,
    /// Further words that mean the same.
    pub aliases: &'static [&'static str],
}

/// The words of the enum with this full name.
pub fn table(full_name: &str) -> Option<&'static EnumTable> {
    let index = ALL
        .binary_search_by(|table| table.full_name.cmp(full_name))
        .ok()?;
    ALL.get(index)
}

impl EnumTable {
    /// The value that a word in any case, or an alias, stands for.
    pub fn find(&self, word: &str) -> Option<&'static Word> {
        self.words.iter().find(|known| {
            known.name.eq_ignore_ascii_case(word)
                || known
                    .aliases
                    .iter()
                    .any(|alias| alias.eq_ignore_ascii_case(word))
        })
    }

    /// The words that a client may choose from: all but the unspecified one.
    pub fn choices(&self) -> impl Iterator<Item = &'static str> {
        self.words
            .iter()
            .filter(|word| word.number != 0)
            .map(|word| word.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_aliases_are_found_in_any_case() {
        let roles = table("souk.users.v1.User.Role").unwrap();
        for word in ["STORE_OWNER", "store_owner", "seller", "Seller"] {
            assert_eq!(roles.find(word).unwrap().name, "STORE_OWNER");
        }
        assert!(roles.find("OWNER").is_none());
        assert!(table("souk.users.v1.User.Rank").is_none());
    }

    #[test]
    fn the_unspecified_word_is_no_choice() {
        let roles = table("souk.users.v1.User.Role").unwrap();
        let choices: Vec<_> = roles.choices().collect();
        assert_eq!(choices.first(), Some(&"CUSTOMER"));
        assert!(!choices.contains(&"ROLE_UNSPECIFIED"));
    }
}
