//! Clerk: who somebody is, by the session tokens that it signs, its Backend API and its
//! webhooks.
//!
//! Nothing that Clerk's keys cannot prove is believed, and no caller waits for Clerk
//! longer than a few seconds. Tests put a server of their own in Clerk's place.

mod keys;
mod person;
mod session;

use std::time::Duration;

pub use person::{News, Person};
pub use session::{Session, Unproven};

use reqwest::{Method, RequestBuilder};
use tracing::Instrument;

use self::keys::KeySet;
use crate::clients::breaker::Breaker;
use crate::clients::http::{Answer, Http, Limits};
use crate::clients::svix::{self, Signed};
use crate::kernel::task::to_the_end;
use crate::kernel::{Clock, Error, Reason, Result, Secret, Time};

/// The largest answer that Clerk may give.
const ANSWER_MAX: usize = 256 * 1024;

/// The bounds of a call to Clerk, within those of every call.
#[must_use]
pub fn limits(usual: Limits) -> Limits {
    Limits {
        total: Ord::min(usual.total, Duration::from_secs(5)),
        answer_max: Ord::min(usual.answer_max, ANSWER_MAX),
        ..usual
    }
}

/// What the client is told at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Where its public keys are.
    pub jwks_url: String,
    /// Where its Backend API is.
    pub api_url: String,
    /// The `azp` of tokens that are taken; empty takes any.
    pub authorized_parties: Vec<String>,
    /// Opens the Backend API.
    pub secret_key: Option<Secret<String>>,
    /// Sign its webhooks, any of them.
    pub webhook_secrets: Vec<Secret<Vec<u8>>>,
}

/// The client.
#[derive(Debug)]
pub struct Clerk {
    settings: Settings,
    keys: KeySet,
    http: Http,
    /// Of the Backend API; the keys have pauses of their own.
    breaker: Breaker,
}

impl Clerk {
    /// The client, whose calls stay within [`limits`]. It asks nothing until it must.
    pub fn new(http: Http, settings: Settings) -> Self {
        Self {
            keys: KeySet::new(http.clone(), settings.jwks_url.clone()),
            http,
            // Counts pauses and stamps nothing, so it needs nobody's clock.
            breaker: Breaker::new("clerk", Clock::system()),
            settings,
        }
    }

    /// Whether a token says that it is of Clerk's; nothing is proven by that.
    pub fn is_named_by(&self, token: &str) -> bool {
        session::issuer(token).is_some_and(|issuer| issuer == self.settings.issuer)
    }

    /// The session that a token proves.
    ///
    /// # Errors
    /// What it lacks, which is not for its bearer to know.
    pub async fn session(&self, now: Time, token: &str) -> Result<Session, Unproven> {
        session::prove(&self.settings, &self.keys, now, token).await
    }

    /// Whether the Backend API may be asked.
    pub const fn has_api(&self) -> bool {
        self.settings.secret_key.is_some()
    }

    /// What Clerk knows of a person; nothing when it knows no such one.
    ///
    /// # Errors
    /// UNAVAILABLE when it cannot be asked.
    pub async fn person(&self, subject: &str) -> Result<Option<Person>> {
        let path = format!("/v1/users/{}", segment(subject));
        let request = self.api(Method::GET, &path)?;
        let answer = self.call(request).await?;
        match answer.status.as_u16() {
            200 => Person::read(&answer.body)
                .filter(|person| person.subject == subject)
                .map(Some)
                .ok_or_else(|| odd("Clerk described a person unreadably".to_owned())),
            404 => Ok(None),
            status => Err(odd(format!(
                "Clerk answered {status} when asked for a person"
            ))),
        }
    }

    /// Tells Clerk what everybody may know of a person. A person whom it does not know any
    /// more needs nothing.
    ///
    /// # Errors
    /// UNAVAILABLE when it does not take it.
    pub async fn publish(&self, subject: &str, metadata: &serde_json::Value) -> Result<()> {
        let path = format!("/v1/users/{}/metadata", segment(subject));
        let body = serde_json::json!({"public_metadata": metadata});
        let request = self.api(Method::PATCH, &path)?.json(&body);
        let answer = self.call(request).await?;
        match answer.status.as_u16() {
            200..=299 | 404 => Ok(()),
            status => Err(odd(format!("Clerk answered {status} when told metadata"))),
        }
    }

    /// Whether Clerk sent a message.
    ///
    /// # Errors
    /// SIGNATURE_INVALID, SIGNATURE_EXPIRED.
    pub fn check(&self, message: &Signed<'_>, now: Time) -> Result<()> {
        svix::verify(&self.settings.webhook_secrets, message, now)
    }

    /// Asks the Backend API, unless it keeps failing.
    async fn call(&self, request: RequestBuilder) -> Result<Answer> {
        let (http, permit) = (self.http.clone(), self.breaker.enter()?);
        let call = async move {
            let outcome = http.send(request).await;
            match &outcome {
                Ok(answer) if !answer.status.is_server_error() => permit.succeeded(),
                Ok(_) | Err(_) => permit.failed(),
            }
            outcome
        };
        // People have less patience than a call may take: were it dropped with them, nobody
        // would find out that Clerk hangs.
        to_the_end(call.in_current_span()).await?
    }

    fn api(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let key = self.settings.secret_key.as_ref();
        let key = key.ok_or_else(|| Error::internal("Clerk's Backend API has no key"))?;
        let url = format!("{}{path}", self.settings.api_url);
        Ok(self.http.request(method, &url).bearer_auth(key.expose()))
    }
}

/// A text as one segment of a path.
fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn odd(what: String) -> Error {
    Error::new(
        Reason::Unavailable,
        "the identity provider is not available",
    )
    .retry_after(Duration::from_secs(1))
    .caused_by(what)
}
