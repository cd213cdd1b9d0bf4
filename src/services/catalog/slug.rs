//! Names in links. Pure.

/// The longest slug of a product.
const MAX_LEN: usize = 240;
/// Room for a number behind the made slug.
const MADE_LEN: usize = 200;
/// Numbered slugs that are tried before chance decides.
const NUMBERED: usize = 50;

/// The slug that a name gives: lower-case ASCII words joined by hyphens. `fallback` where
/// nothing of the name remains.
pub fn make(name: &str, fallback: &str) -> String {
    let mut made = slug::slugify(name);
    made.truncate(MADE_LEN);
    let made = made.trim_end_matches('-');
    if made.is_empty() { fallback } else { made }.to_owned()
}

/// What to try when others have the slug already: itself, then numbered from 2.
pub fn candidates(base: &str) -> Vec<String> {
    let numbered = (2..=NUMBERED).map(|number| format!("{base}-{number}"));
    std::iter::once(base.to_owned()).chain(numbered).collect()
}

/// The first candidate that is not taken; when all are, the base with a suffix that is
/// unique.
pub fn free(base: &str, taken: &[String], unique: &str) -> String {
    let free = candidates(base)
        .into_iter()
        .find(|candidate| !taken.contains(candidate));
    free.unwrap_or_else(|| {
        let mut long = format!("{base}-{unique}");
        long.truncate(MAX_LEN);
        long
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_make_slugs() {
        for (name, slug) in [
            ("Huile d'Argan 50 ml", "huile-d-argan-50-ml"),
            ("Café – crème", "cafe-creme"),
            ("  !!  ", "product"),
        ] {
            assert_eq!(make(name, "product"), slug);
        }
        assert!(!make("زيت الأرغان", "product").contains("product"));
        assert!(make(&"long name ".repeat(60), "product").len() <= MADE_LEN);
    }

    #[test]
    fn a_taken_slug_is_numbered() {
        let taken = |slugs: &[&str]| {
            slugs
                .iter()
                .map(|slug| (*slug).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(free("tea", &taken(&[]), "x"), "tea");
        assert_eq!(free("tea", &taken(&["tea"]), "x"), "tea-2");
        assert_eq!(
            free("tea", &taken(&["tea", "tea-3", "tea-2"]), "x"),
            "tea-4"
        );
        assert_eq!(free("tea", &candidates("tea"), "x"), "tea-x");
    }
}
