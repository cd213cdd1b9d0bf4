//! Text messages by Twilio.

use async_trait::async_trait;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::Sms;
use crate::clients::breaker::Breaker;
use crate::clients::http::{Answer, Http};
use crate::kernel::phone::Phone;
use crate::kernel::{Clock, Error, Reason, Result, Secret};

/// "Too many requests", in the body of an answer.
const TOO_MANY: u32 = 20_429;

/// Whose messages they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// One number, or a name where that is allowed.
    From(String),
    /// A messaging service, which chooses among its numbers.
    Service(String),
}

/// An account at Twilio.
#[derive(Debug, Clone)]
pub struct TwilioAccount {
    /// Where the API is, without a slash at the end.
    pub api_url: String,
    /// The account's id: `AC…`.
    pub sid: String,
    /// Its password.
    pub auth_token: Secret<String>,
    /// Whose messages they are.
    pub sender: Sender,
}

/// Sends by Twilio.
#[derive(Debug, Clone)]
pub struct Twilio {
    http: Http,
    breaker: Breaker,
    account: TwilioAccount,
}

impl Twilio {
    /// Sends for an account.
    pub fn new(http: Http, clock: Clock, account: TwilioAccount) -> Self {
        Self {
            http,
            breaker: Breaker::new("twilio", clock),
            account,
        }
    }

    async fn post(&self, to: &Phone, text: &str) -> Result<Answer> {
        let TwilioAccount {
            api_url,
            sid,
            auth_token,
            sender,
        } = &self.account;
        let (from, from_value) = match sender {
            Sender::From(number) => ("From", number),
            Sender::Service(sid) => ("MessagingServiceSid", sid),
        };
        let form = [("To", to.as_str()), (from, from_value), ("Body", text)];
        let url = format!("{api_url}/2010-04-01/Accounts/{sid}/Messages.json");
        let request = self.http.request(Method::POST, &url);
        let request = request.basic_auth(sid, Some(auth_token.expose()));
        self.http.send(request.form(&form)).await
    }
}

#[async_trait]
impl Sms for Twilio {
    async fn send(&self, to: &Phone, text: &str) -> Result<()> {
        if !to.is_e164() {
            return Err(for_good(
                Reason::InvalidPhone,
                "the number names no country, so no message can reach it",
            ));
        }
        let permit = self.breaker.enter()?;
        let outcome = self.post(to, text).await.and_then(|answer| judge(&answer));
        match &outcome {
            // It works; what it does not take, it says.
            Ok(_) => permit.succeeded(),
            Err(error) if error.is_permanent() || error.reason() == BUSY => permit.succeeded(),
            Err(_) => permit.failed(),
        }
        let sid = outcome?;
        tracing::info!(sms.id = sid, "text message handed to Twilio");
        Ok(())
    }
}

/// A provider that says "later" is well.
const BUSY: Reason = Reason::RateLimitExceeded;

/// The message that was created.
#[derive(Deserialize)]
struct Created {
    sid: String,
}

/// Why a request was refused.
#[derive(Deserialize)]
struct Refused {
    code: u32,
}

/// What an answer means: the id of the message, or why there is none. Anything but an
/// answer of Twilio's own is a failure of the way to it, and worth another try.
fn judge(answer: &Answer) -> Result<String> {
    let status = answer.status;
    if status == StatusCode::CREATED {
        let created: Created = serde_json::from_slice(&answer.body)
            .map_err(|error| Error::unavailable("Twilio's answer cannot be read", error))?;
        // It goes to the log, so it must be what it says it is.
        if created.sid.len() > 64 || !created.sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Error::unavailable("Twilio's answer cannot be read", "sid"));
        }
        return Ok(created.sid);
    }
    let code = serde_json::from_slice(&answer.body).map(|Refused { code }| code);
    if status == StatusCode::TOO_MANY_REQUESTS || code.as_ref().is_ok_and(|code| *code == TOO_MANY)
    {
        let busy = Error::new(BUSY, "Twilio takes no more messages for now");
        return Err(match answer.retry_after() {
            Some(wait) => busy.retry_after(wait),
            None => busy,
        });
    }
    match code {
        Ok(code) if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => {
            Err(refusal(status, code))
        }
        _ => {
            let cause = format!("status {}", status.as_u16());
            let away = Error::unavailable("Twilio cannot take messages now", cause);
            Err(match answer.retry_after() {
                Some(wait) => away.retry_after(wait),
                None => away,
            })
        }
    }
}

/// Twilio understood, and will not. The codes are for operators; the words name nobody.
fn refusal(status: StatusCode, code: u32) -> Error {
    match code {
        21_211 => for_good(Reason::InvalidPhone, "no such phone number (21211)"),
        21_610 => for_good(Reason::Blocked, "the recipient wants no messages (21610)"),
        21_408 => for_good(Reason::Blocked, "messages to this region are off (21408)"),
        code => for_good(
            Reason::Unavailable,
            format!("Twilio refuses: {code}, status {}", status.as_u16()),
        ),
    }
}

fn for_good(reason: Reason, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(reason, message).permanently()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str, retry_after: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(wait) = retry_after {
            headers.insert(http::header::RETRY_AFTER, wait.parse().unwrap());
        }
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn a_created_message_is_the_only_success() {
        let created = answer(201, r#"{"sid":"SM1","status":"queued"}"#, None);
        assert_eq!(judge(&created).unwrap(), "SM1");
        for (status, body) in [
            (201, "<html>created</html>"),
            (201, "{}"),
            (201, r#"{"sid":""}{"#),
            (201, "{\"sid\":\"SM1\\nforged=line\"}"),
            (200, r#"{"sid":"SM1"}"#),
            (302, r#"{"sid":"SM1"}"#),
            (400, "not json"),
            (403, "<html>a proxy</html>"),
            (408, r#"{"code":20008}"#),
            (500, r#"{"code":20500}"#),
            (503, ""),
        ] {
            let failed = judge(&answer(status, body, None)).unwrap_err();
            assert_eq!(failed.reason(), Reason::Unavailable, "{status} {body}");
            assert!(!failed.is_permanent(), "{status} {body}");
        }
    }

    #[test]
    fn what_twilio_refuses_is_refused_for_good() {
        let cases = [
            (21_211, Reason::InvalidPhone),
            (21_610, Reason::Blocked),
            (21_408, Reason::Blocked),
            (20_003, Reason::Unavailable),
        ];
        for (code, reason) in cases {
            let body = format!(r#"{{"code":{code},"message":"+213551234567 is bad"}}"#);
            let refused = judge(&answer(400, &body, None)).unwrap_err();
            assert_eq!(refused.reason(), reason, "{code}");
            assert!(refused.is_permanent(), "{code}");
            assert!(refused.message().contains(&code.to_string()), "{code}");
            assert!(!format!("{refused:?}").contains("+213"), "{code}");
        }
    }

    #[test]
    fn later_means_when_it_says() {
        for (status, body) in [(429, ""), (429, r#"{"code":20429}"#), (503, "")] {
            let busy = judge(&answer(status, body, Some("17"))).unwrap_err();
            assert!(!busy.is_permanent());
            assert_eq!(
                busy.retry_delay(),
                Some(Duration::from_secs(17)),
                "{status}"
            );
        }
    }
}
