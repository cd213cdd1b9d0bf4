//! A letter in the form of the internet.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};

use super::Letter;
use crate::kernel::{Error, Reason, Result, Time};

/// The message of a letter, sent at `now`. It goes to exactly one address, and nothing
/// in the letter becomes a header of its own: the types of the message see to that.
///
/// # Errors
/// VALIDATION_ERROR, for good, when the letter's address is none.
pub(super) fn message(from: &Mailbox, letter: &Letter, now: Time) -> Result<Message> {
    let Letter { to, subject, text } = letter;
    let unfit = |message| Error::new(Reason::ValidationError, message).permanently();
    let to = to.parse::<lettre::Address>();
    // The cause would name the address.
    let to = to.map_err(|_| unfit("this is no e-mail address"))?;
    let date = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.micros()).unwrap_or(0));
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject.clone())
        .date(date)
        .message_id(None)
        .header(ContentType::TEXT_PLAIN)
        .body(text.clone())
        .map_err(|error| unfit("the letter cannot be written").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(to: &str, subject: &str, text: &str) -> Result<String> {
        let letter = Letter {
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
        };
        let from: Mailbox = "souk <no-reply@souk.example>".parse().unwrap();
        let message = message(&from, &letter, Time::from_micros(1_768_899_600_000_000))?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    fn headers(message: &str) -> Vec<&str> {
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        let lines = head.split("\r\n").filter(|line| !line.starts_with(' '));
        lines.map(|line| line.split(':').next().unwrap()).collect()
    }

    #[test]
    fn a_letter_has_its_headers_and_no_others() {
        let plain = written("amina@example.dz", "Réinitialiser", "Salut,\nà bientôt").unwrap();
        let expected = headers(&plain);
        assert!(plain.contains("To: amina@example.dz\r\n"));
        assert!(plain.contains("Date: Tue, 20 Jan 2026 09:00:00 +0000\r\n"));
        let subjects = [
            "a\r\nBcc: all@example.dz",
            "a\nBcc: all@example.dz",
            "a\r\n\r\nBcc: all@example.dz",
            "a\rBcc: all@example.dz\u{2028}X-Forged: 1",
        ];
        for subject in subjects {
            let message = written("amina@example.dz", subject, "text").unwrap();
            let (head, _) = message.split_once("\r\n\r\n").unwrap();
            assert_eq!(headers(&message), expected, "{subject:?}");
            assert!(!head.contains("\nBcc"), "{subject:?}");
            assert!(!head.contains("\rBcc"), "{subject:?}");
        }
    }

    #[test]
    fn one_letter_goes_to_one_address() {
        let addresses = [
            "",
            "amina",
            "amina@example.dz, all@example.dz",
            "Amina <amina@example.dz>",
            "amina@example.dz\r\nBcc: all@example.dz",
            "amina@example.dz>\r\nRCPT TO:<all@example.dz",
            "\"a\r\nb\"@example.dz",
            "amina@example.dz\0",
        ];
        for to in addresses {
            let refused = written(to, "subject", "text").unwrap_err();
            assert_eq!(refused.reason(), Reason::ValidationError, "{to:?}");
            assert!(refused.is_permanent(), "{to:?}");
        }
    }

    #[test]
    fn a_text_stays_text() {
        let text = "one\r\n.\r\nMAIL FROM:<x@example.dz>\r\nRCPT TO:<y@example.dz>";
        let message = written("amina@example.dz", "s", text).unwrap();
        assert_eq!(message.matches("To: ").count(), 1);
    }
}
