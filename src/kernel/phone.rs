//! Phone numbers. One number in two spellings is one phone.

use std::fmt;

use super::{Error, Reason, Result};

/// A phone number: E.164 where that can be derived, else ten bare digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people write it.
    ///
    /// Accepted: `+` and 8–15 digits; `00` in place of `+`; Algerian mobile numbers
    /// (`05…`, `06…`, `07…`, ten digits), which become `+213…`; any other ten digits,
    /// which become E.164 when `default_country` (a calling code such as `91`) is
    /// known and stay as they are otherwise. Spaces, dots, dashes and brackets are ignored.
    ///
    /// # Errors
    /// INVALID_PHONE when it is none of these.
    pub fn parse(text: &str, default_country: Option<&str>) -> Result<Self> {
        let invalid = || Error::new(Reason::InvalidPhone, "Invalid phone number").at("phone");
        let compact: String = text
            .chars()
            .filter(|letter| !matches!(letter, ' ' | '.' | '-' | '(' | ')' | '\u{a0}'))
            .collect();
        let (plus, digits) = match (compact.strip_prefix('+'), compact.strip_prefix("00")) {
            (Some(rest), _) | (None, Some(rest)) => (true, rest),
            (None, None) => (false, compact.as_str()),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        if plus {
            // An Algerian number with a stray trunk zero, +213 0 5…, is common.
            let algerian = digits.strip_prefix("2130").filter(|rest| rest.len() == 9);
            let digits = algerian.map_or_else(|| digits.to_owned(), |rest| format!("213{rest}"));
            let bad_start = digits.starts_with('0');
            let length_ok = (8..=15).contains(&digits.len());
            return if length_ok && !bad_start {
                Ok(Self(format!("+{digits}")))
            } else {
                Err(invalid())
            };
        }
        if digits.len() != 10 {
            return Err(invalid());
        }
        let algerian = digits
            .strip_prefix('0')
            .filter(|rest| rest.starts_with(['5', '6', '7']));
        Ok(Self(match (algerian, default_country) {
            (Some(rest), _) => format!("+213{rest}"),
            (None, Some(country)) => format!("+{country}{}", digits.trim_start_matches('0')),
            (None, None) => digits.to_owned(),
        }))
    }

    /// A number that is stored already.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text message can be sent to it.
    pub fn is_e164(&self) -> bool {
        self.0.starts_with('+')
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_many_spellings_is_one_phone() {
        for text in [
            "0551234567",
            "+213551234567",
            "00213551234567",
            "05 51 23 45 67",
            "+2130551234567",
        ] {
            assert_eq!(
                Phone::parse(text, None).unwrap().as_str(),
                "+213551234567",
                "{text}"
            );
        }
        assert_eq!(
            Phone::parse("9876543210", None).unwrap().as_str(),
            "9876543210"
        );
        assert_eq!(
            Phone::parse("9876543210", Some("91")).unwrap().as_str(),
            "+919876543210"
        );
        assert_eq!(
            Phone::parse("+33612345678", None).unwrap().as_str(),
            "+33612345678"
        );
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "+",
            "123",
            "98765432101",
            "98765abcde",
            "+1234567",
            "+1234567890123456",
            "٠٥٥١٢٣٤٥٦٧",
        ] {
            let error = Phone::parse(text, None).unwrap_err();
            assert_eq!(error.reason(), Reason::InvalidPhone, "{text}");
        }
    }
}
