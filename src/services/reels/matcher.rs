//! Finding blocked words in what people write. Pure.
//!
//! Texts are compared letter by letter in a plain form: without case, accents, vowel signs
//! and what stands between letters. A word is found where it stands alone, from four letters
//! on also where it is written letter by letter or together, and a long one however it is
//! written apart; never inside of another word, and no short one across words, which would
//! refuse far too much ("la mer de sable"). The Arabic article, which is written together
//! with its word, hides none.

use std::collections::HashSet;

use deunicode::deunicode_char;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Letters from which on a word is found although each of them stands apart.
const APART: usize = 4;
/// Letters from which on it is found in whatever pieces: so long a word does not come about
/// where others meet.
const IN_PIECES: usize = 7;
/// The Arabic article as it stands before a word, alone and after the prepositions and the
/// "and" that are written together with it; the longer forms first.
const ARTICLES: [&str; 6] = ["وال", "بال", "فال", "كال", "ال", "لل"];
/// Letters that an article leaves at the least: fewer are part of the word, as in "الله".
const AFTER_ARTICLE: usize = 3;

/// The blocked words, ready to be looked for.
#[derive(Debug, Clone, Default)]
pub struct BlockedWords {
    /// All of them, with their spaces.
    whole: HashSet<String>,
    /// Those that are not short, without spaces.
    squeezed: HashSet<String>,
    /// Bytes of the longest one.
    longest: usize,
}

impl BlockedWords {
    /// The matcher of words in the form that [`plain`] gives.
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        let mut all = Self::default();
        for word in words {
            if word.is_empty() {
                continue;
            }
            let squeezed = word.replace(' ', "");
            all.longest = all.longest.max(squeezed.len());
            if squeezed.chars().count() >= APART {
                all.squeezed.insert(squeezed);
            }
            all.whole.insert(word);
        }
        all
    }

    /// Whether a text holds one of the words.
    pub fn are_in(&self, text: &str) -> bool {
        let plain = plain(text);
        let words: Vec<&str> = plain.split(' ').collect();
        let bare: Vec<&str> = words.iter().map(|word| without_article(word)).collect();
        self.are_among(&words) || (bare != words && self.are_among(&bare))
    }

    fn are_among(&self, words: &[&str]) -> bool {
        (0..words.len()).any(|first| self.begin_at(words.get(first..).unwrap_or_default()))
    }

    /// Whether a text begins with one of the words.
    fn begin_at(&self, words: &[&str]) -> bool {
        let (mut whole, mut squeezed, mut is_spelled) = (String::new(), String::new(), true);
        for (before, word) in words.iter().enumerate() {
            if !whole.is_empty() {
                whole.push(' ');
            }
            whole.push_str(word);
            squeezed.push_str(word);
            if squeezed.len() > self.longest {
                return false;
            }
            is_spelled &= word.chars().count() == 1;
            let may_be_apart = before == 0 || is_spelled || squeezed.chars().count() >= IN_PIECES;
            if self.whole.contains(&whole) || (may_be_apart && self.squeezed.contains(&squeezed)) {
                return true;
            }
        }
        false
    }
}

/// An Arabic word without its article, if it has one.
fn without_article(word: &str) -> &str {
    let mut bare = ARTICLES.iter().filter_map(|it| word.strip_prefix(it));
    let is_word = |bare: &&str| bare.chars().count() >= AFTER_ARTICLE;
    bare.find(is_word).unwrap_or(word)
}

/// The plain form of a text: its words in plain letters, one space between them.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut letters, mut is_apart) = (String::new(), false);
    // Letters that only look different become one first, such as the forms that Arabic ones
    // take at the beginning and the end of a word. A mark that makes another letter of the
    // one before it has done so by then; of the others none is left.
    let text = text.chars().filter(|letter| !is_mark(*letter)).nfkc();
    for letter in text.filter(|letter| !is_mark(*letter) && !is_combining_mark(*letter)) {
        letters.clear();
        push_plain(&mut letters, letter);
        if letters.is_empty() {
            is_apart = !plain.is_empty();
            continue;
        }
        if is_apart {
            plain.push(' ');
            is_apart = false;
        }
        plain.push_str(&letters);
    }
    plain
}

/// Adds the plain form of one letter; nothing for what is none.
fn push_plain(plain: &mut String, letter: char) {
    match letter {
        'أ' | 'إ' | 'آ' | 'ٱ' => plain.push('ا'),
        'ى' | 'ئ' | 'ی' => plain.push('ي'),
        'ؤ' => plain.push('و'),
        'ة' => plain.push('ه'),
        'ک' => plain.push('ك'),
        // Arabic keeps its letters: in Latin ones too many of them would be the same.
        '\u{0620}'..='\u{064a}' | '\u{0671}'..='\u{06d3}' => plain.push(letter),
        // Pictures have names, but are no words.
        other if other.is_alphanumeric() => {
            let ascii = deunicode_char(other).unwrap_or_default();
            let letters = ascii.chars().filter(char::is_ascii_alphanumeric);
            plain.extend(letters.map(|letter| letter.to_ascii_lowercase()));
        }
        _ => {}
    }
}

/// Whether nothing of a text is seen, whatever it holds.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|letter| {
        letter.is_whitespace()
            || letter.is_control()
            || is_unseen(letter)
            || is_combining_mark(letter)
    })
}

/// Whether a character only changes the look of the letter before it, or is not seen at
/// all: accents that stand alone, Arabic vowel signs, in all their forms, and the stroke
/// between letters.
fn is_mark(letter: char) -> bool {
    is_unseen(letter)
        || matches!(letter,
            '\u{0300}'..='\u{036f}' | '\u{0610}'..='\u{061a}' | '\u{0640}'
            | '\u{064b}'..='\u{065f}' | '\u{0670}' | '\u{06d6}'..='\u{06ed}'
            | '\u{fe70}'..='\u{fe7f}')
}

/// Whether a character is not seen (Unicode's Default_Ignorable_Code_Point): marks of
/// direction and width, fillers, selectors of variants, tags.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocked(words: &[&str]) -> BlockedWords {
        BlockedWords::new(words.iter().map(|word| plain(word)))
    }

    #[test]
    fn spellings_of_one_word_have_one_plain_form() {
        for (text, form) in [
            ("Arnaque", "arnaque"),
            ("  ARNAQUÉ!! ", "arnaque"),
            ("e\u{301}toile", "etoile"),
            ("a.r-n_a\u{200b}que", "a r n aque"),
            ("Straße Œuvre", "strasse oeuvre"),
            ("ａｒｎａｑｕｅ", "arnaque"),
            ("аrnaque", "arnaque"),
            ("🔫 7", "7"),
            ("٧ ۷", "7 7"),
            ("كَلْب", "كلب"),
            ("كـــلب", "كلب"),
            ("أحمق إحمق آحمق", "احمق احمق احمق"),
            ("مدرسة", "مدرسه"),
            // The letters as they look at the beginning, in the middle and at the end.
            ("\u{fedb}\u{fee0}\u{fe90}", "كلب"),
            ("\u{fedb}\u{fe76}\u{fee0}\u{fe90}", "كلب"),
            ("\u{fef7}\u{fee7}", "لان"),
            ("ﬁn Ⅳ", "fin iv"),
            ("…", ""),
        ] {
            assert_eq!(plain(text), form, "{text}");
        }
    }

    #[test]
    fn what_is_not_seen_hides_no_word() {
        let words = blocked(&["arnaque"]);
        let unseen = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\
                      \u{180f}\u{200b}\u{200f}\u{202a}\u{202e}\u{2060}\u{206f}\u{3164}\
                      \u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff8}\u{1d173}\u{e0001}\u{e0041}\
                      \u{e007f}\u{e0100}\u{e01ef}";
        // Accents of every kind: those of Latin, of symbols, half ones, and enclosing ones.
        let accents = "\u{301}\u{1ab0}\u{1dc0}\u{20d0}\u{20dd}\u{20e3}\u{fe20}\u{483}\u{5b0}";
        for mark in unseen.chars().chain(accents.chars()) {
            let text = format!("arna{mark}que");
            assert!(words.are_in(&text), "{:x}", u32::from(mark));
            assert!(is_blank(&format!(" {mark}\n{mark}")));
        }
        assert!(is_blank("") && is_blank(" \u{7}"));
        assert!(!is_blank("…") && !is_blank("🍊\u{fe0f}") && !is_blank("ـ"));
    }

    #[test]
    fn a_mark_that_makes_another_letter_does_so() {
        assert_eq!(plain("\u{304b}\u{3099}"), plain("\u{304c}"));
    }

    #[test]
    fn words_are_found_where_they_stand_alone_and_long_ones_apart_too() {
        let words = blocked(&[
            "arnaque",
            "con",
            "faux billet",
            "كلب",
            "احتيال",
            "merde",
            "pute",
            "بيت ابيض",
            "له",
        ]);
        for (text, found) in [
            ("Quelle ARNAQUÉ !", true),
            ("a r n a q u e", true),
            ("a.r.n.a.q.u.e", true),
            ("arna que", true),
            ("arnaques", false),
            ("con", true),
            ("un con.", true),
            ("c o n", false),
            ("concours", false),
            ("des faux-billets", false),
            ("un Faux Billet ici", true),
            ("fauxbillet", true),
            ("faux petit billet", false),
            ("يا كَلْب", true),
            ("كلبة", false),
            ("الكلب", true),
            ("هذا الكَلْب هنا", true),
            ("والكلب وللكلب", true),
            ("للكلب", true),
            ("الكلبة", false),
            ("وكلب", false),
            ("الاحتيال", true),
            ("\u{fedb}\u{fee0}\u{fe90}", true),
            ("البيت الابيض", true),
            ("بيت كبير", false),
            ("إحْتِيال", true),
            ("", false),
            ("الله", false),
            ("très bon couscous", false),
            ("m.e.r.d.e", true),
            ("la mer de sable", false),
            ("j'ai pu te livrer", false),
        ] {
            assert_eq!(words.are_in(text), found, "{text}");
        }
    }

    #[test]
    fn no_word_is_in_any_text_when_none_is_blocked() {
        assert!(!BlockedWords::default().are_in("anything"));
        assert!(!blocked(&["", "!!"]).are_in("!!"));
    }

    proptest! {
        #[test]
        fn what_is_found_holds_the_word(word in "\\PC{0,12}", text in "\\PC{0,80}") {
            let form = plain(&word);
            prop_assert_eq!(plain(&form), form.clone());
            let found = BlockedWords::new([form.clone()]).are_in(&text);
            let squeezed = |text: &str| text.replace(' ', "");
            if found {
                prop_assert!(!form.is_empty());
                prop_assert!(squeezed(&plain(&text)).contains(&squeezed(&form)));
            }
        }

        #[test]
        fn a_word_among_others_is_found_in_any_case(
            word in "[a-zéàç]{2,12}", before in "[a-z ]{0,20}", after in "[a-z ]{0,20}",
        ) {
            let words = BlockedWords::new([plain(&word)]);
            let text = format!("{before}, {} {after}", word.to_uppercase());
            prop_assert!(words.are_in(&text));
        }
    }
}
