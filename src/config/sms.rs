//! Text messages.

use super::read::{Name, Problem, Reader, refused};
use crate::kernel::Secret;

const SID: Name = ("TWILIO_ACCOUNT_SID", "sms.twilio_account_sid");
const TOKEN: Name = ("TWILIO_AUTH_TOKEN", "sms.twilio_auth_token");
const FROM: Name = ("TWILIO_FROM", "sms.twilio_from");
const SERVICE: Name = (
    "TWILIO_MESSAGING_SERVICE_SID",
    "sms.twilio_messaging_service_sid",
);
const API: Name = ("TWILIO_API_URL", "sms.twilio_api_url");
const API_DEFAULT: &str = "https://api.twilio.com";

/// Text messages.
#[derive(Debug, Clone)]
pub struct Sms {
    /// Who sends them; without, development writes them to the log and production sends
    /// none.
    pub twilio: Option<Twilio>,
    /// Messages in a day of UTC, for everybody together.
    pub daily_limit: u32,
}

/// An account at Twilio.
#[derive(Debug, Clone)]
pub struct Twilio {
    /// The account's id.
    pub account_sid: String,
    /// Its password.
    pub auth_token: Secret<String>,
    /// The sender.
    pub sender: Sender,
    /// Where the API is, without a slash at the end.
    pub api_url: String,
}

/// Whose messages they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A number or a name.
    From(String),
    /// A messaging service, by its id.
    Service(String),
}

pub(super) fn read(reader: &mut Reader) -> Sms {
    Sms {
        twilio: twilio(reader),
        daily_limit: reader.number(
            ("SMS_DAILY_LIMIT", "sms.daily_limit"),
            2000,
            0,
            1_000_000_000,
        ),
    }
}

/// All of it or nothing.
fn twilio(reader: &mut Reader) -> Option<Twilio> {
    let sid = reader.text(SID);
    let token = reader.text(TOKEN);
    let from = reader.text(FROM);
    let service = reader.text(SERVICE);
    let api_url = reader.text(API).unwrap_or_else(|| API_DEFAULT.to_owned());
    if [&sid, &token, &from, &service]
        .iter()
        .all(|part| part.is_none())
    {
        return None;
    }
    let before = reader.problems.len();
    for (name, value) in [(SID, &sid), (TOKEN, &token)] {
        if value.is_none() {
            reader.problem(name, "must be set, as other settings of Twilio are");
        }
    }
    for (name, value) in [(SID, &sid), (SERVICE, &service)] {
        // It becomes part of an address.
        if value.as_ref().is_some_and(|sid| !is_sid(sid)) {
            reader.problem(name, "must be an id of Twilio's: letters and digits");
        }
    }
    let sender = match (from, service) {
        (Some(from), None) => Some(Sender::From(from)),
        (None, Some(service)) => Some(Sender::Service(service)),
        (Some(_), Some(_)) => {
            reader.problem(
                SERVICE,
                "must not be set together with TWILIO_FROM: a service chooses its numbers itself",
            );
            None
        }
        (None, None) => {
            reader.problem(
                FROM,
                "must be set, or TWILIO_MESSAGING_SERVICE_SID, as other settings of Twilio are",
            );
            None
        }
    };
    let api_url = reader.base_url(API, &api_url, "https://api.twilio.com");
    if reader.problems.len() > before {
        return None;
    }
    Some(Twilio {
        account_sid: sid?,
        auth_token: Secret::new(token?),
        sender: sender?,
        api_url: api_url?,
    })
}

fn is_sid(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What production must not start with.
pub(super) fn refusals(sms: &Sms) -> Vec<Problem> {
    let is_plain = |twilio: &Twilio| !twilio.api_url.starts_with("https://");
    refused([(
        sms.twilio.as_ref().is_some_and(is_plain),
        API.0,
        "must use TLS: the account's password goes there",
    )])
}

#[cfg(test)]
mod tests {
    use super::super::read::testing::with;
    use super::*;

    const WHOLE: [(&str, &str); 3] = [
        ("TWILIO_ACCOUNT_SID", "AC0123"),
        ("TWILIO_AUTH_TOKEN", "a-token-of-twilio"),
        ("TWILIO_FROM", "+12025550100"),
    ];

    #[test]
    fn twilio_is_configured_whole_or_not_at_all() {
        assert!(with(&[], read).unwrap().twilio.is_none());
        assert_eq!(with(&[], read).unwrap().daily_limit, 2000);
        let twilio = with(&WHOLE, read).unwrap().twilio.unwrap();
        assert_eq!(twilio.api_url, "https://api.twilio.com");
        assert_eq!(twilio.sender, Sender::From("+12025550100".to_owned()));
        for (missing, _) in WHOLE {
            let rest: Vec<_> = WHOLE
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            let problems = with(&rest, read).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with(missing), "{problems:?}");
        }
        let service = ("TWILIO_MESSAGING_SERVICE_SID", "MG0123");
        let by_service = with(&[WHOLE[0], WHOLE[1], service], read).unwrap();
        let sender = by_service.twilio.unwrap().sender;
        assert_eq!(sender, Sender::Service("MG0123".to_owned()));
        assert!(with(&[WHOLE[0], WHOLE[1], WHOLE[2], service], read).is_err());
    }

    #[test]
    fn what_would_lead_elsewhere_is_refused() {
        let wrong = [
            ("TWILIO_ACCOUNT_SID", "AC/../../x"),
            ("TWILIO_API_URL", "ftp://api.twilio.com"),
            ("TWILIO_API_URL", "https://api.twilio.com@evil.example"),
            ("TWILIO_API_URL", "https://api.twilio.com?x=1"),
            ("TWILIO_API_URL", "api.twilio.com"),
            ("SMS_DAILY_LIMIT", "-1"),
        ];
        for (name, value) in wrong {
            let mut settings: Vec<_> = WHOLE
                .into_iter()
                .filter(|(other, _)| *other != name)
                .collect();
            settings.push((name, value));
            let problems = with(&settings, read).unwrap_err();
            assert!(problems[0].starts_with(name), "{problems:?}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let shown = format!("{:?}", with(&WHOLE, read).unwrap());
        assert!(!shown.contains("a-token-of-twilio"));
    }
}
