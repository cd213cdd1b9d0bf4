//! Text as people send it, and as they search for it: without case, accents and
//! punctuation.

/// Changes a text as a request asks: an absent change changes nothing, an empty one clears.
pub fn change(text: &mut Option<String>, sent: Option<&str>) {
    if let Some(sent) = sent.map(str::trim) {
        *text = (!sent.is_empty()).then(|| sent.to_owned());
    }
}

/// The folded form of a text: lower-case ASCII words with one space between them.
/// Two spellings that people take for the same fold to the same form, in any script.
pub fn fold(text: &str) -> String {
    let ascii = deunicode::deunicode(text).to_ascii_lowercase();
    let mut folded = String::with_capacity(ascii.len());
    for word in ascii
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_fold_to_one_form() {
        for (text, folded) in [
            ("Béjaïa", "bejaia"),
            ("  BEJAIA ", "bejaia"),
            ("M'Sila", "m sila"),
            ("Café – Crème (250 g)", "cafe creme 250 g"),
            ("!?", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
        assert_eq!(fold("وهران"), fold(" وهران"));
    }
}
