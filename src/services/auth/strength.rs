//! Which passwords are good enough. Pure.
//!
//! Length is what counts; there is no rule of letters and digits. But what everybody
//! uses, and what stands in the address, is tried first.

use crate::kernel::{Error, Result};

/// Bytes, at the least and at the most.
const LEAST: usize = 8;
const MOST: usize = 128;
/// A password that is found within so many guesses is one that everybody uses. Below this
/// figure the whole password is one entry of the lists of leaked passwords and words, one
/// row of keys, or one repeated letter; two parts together are always above it.
const GUESSES: u64 = 10_000;
/// Longer ones stand in no list, and would take long to look up.
const LISTED: usize = 40;

/// Judges a new password for the account of an e-mail address, if it has one.
///
/// # Errors
/// VALIDATION_ERROR that names `field`.
pub(super) fn check(field: &'static str, password: &str, email: Option<&str>) -> Result<()> {
    let refuse = |message: &str| Err(Error::field(field, message));
    if !(LEAST..=MOST).contains(&password.len()) {
        return refuse("must have 8 to 128 bytes");
    }
    if email.is_some_and(|email| is_of(password, email)) {
        return refuse("must not be the e-mail address");
    }
    if password.len() <= LISTED && zxcvbn::zxcvbn(password, &[]).guesses() < GUESSES {
        return refuse("is one that everybody uses");
    }
    Ok(())
}

/// Whether the password is the address or its local part.
fn is_of(password: &str, email: &str) -> bool {
    let local = email.split_once('@').map_or(email, |(local, _)| local);
    [email, local]
        .iter()
        .any(|part| part.eq_ignore_ascii_case(password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Reason;

    #[test]
    fn passwords_that_people_think_of_pass() {
        for password in [
            "SecurePass123!",
            "Password123!",
            "MyStr0ngPass!",
            "rain on the tin roof",
            "Amina2026",
            "كلمة السر الطويلة",
            "correct horse battery staple",
        ] {
            let verdict = check("password", password, Some("user@example.com"));
            assert!(verdict.is_ok(), "{password}");
        }
    }

    #[test]
    fn passwords_that_everybody_uses_do_not() {
        for password in [
            "password",
            "Password",
            "p@ssw0rd",
            "12345678",
            "123456789",
            "qwertyuiop",
            "iloveyou",
            "football",
            "aaaaaaaa",
            "11111111",
            "abcdefgh",
            "password1",
            "sunshine",
            "87654321",
        ] {
            let refused = check("newPassword", password, None).unwrap_err();
            assert_eq!(refused.reason(), Reason::ValidationError, "{password}");
            assert_eq!(refused.violations()[0].field, "newPassword");
        }
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert!(check("password", "zw9#kQ2", None).is_err());
        assert!(check("password", "zw9#kQ2x", None).is_ok());
        let longest = "q7".repeat(64);
        assert!(check("password", &longest, None).is_ok());
        assert!(check("password", &format!("{longest}x"), None).is_err());
        // 65 letters of two bytes.
        assert!(check("password", &"é".repeat(65), None).is_err());
    }

    #[test]
    fn the_address_is_no_password() {
        let email = Some("amina.benali@example.dz");
        assert!(check("password", "Amina.Benali@example.dz", email).is_err());
        assert!(check("password", "AMINA.BENALI", email).is_err());
        assert!(check("password", "amina.benali.1962", email).is_ok());
    }
}
