//! Mail by SMTP.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use lettre::{AsyncTransport, Tokio1Executor};
use tracing::Instrument;

use super::{Letter, Mail, message};
use crate::clients::breaker::Breaker;
use crate::clients::outbound::Outbound;
use crate::kernel::{Clock, Error, Reason, Result, Secret};

/// The whole talk may take so many times as long as one step of it: a server that drips
/// answers ends here.
const STEPS: u32 = 3;

/// How the talk with the server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// It begins in the clear and must go on in TLS.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

/// An account at a mail server.
#[derive(Debug, Clone)]
pub struct SmtpAccount {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the talk is kept from others.
    pub encryption: Encryption,
    /// User and password; without, the server takes mail from this host as it is.
    pub login: Option<(String, Secret<String>)>,
    /// Whose letters they are.
    pub from: Mailbox,
}

/// Sends by SMTP, each letter over a connection of its own: nothing idles behind it.
#[derive(Debug, Clone)]
pub struct SmtpMail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    breaker: Breaker,
    meter: Outbound,
    from: Mailbox,
    talk_limit: Duration,
    clock: Clock,
}

impl SmtpMail {
    /// Sends for an account; one step of the talk takes `step_limit` at the longest.
    ///
    /// # Errors
    /// INTERNAL when the host is no name that TLS can prove.
    pub fn new(account: SmtpAccount, step_limit: Duration, clock: Clock) -> Result<Self> {
        let SmtpAccount {
            host,
            port,
            encryption,
            login,
            from,
        } = account;
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let builder = match encryption {
            Encryption::StartTls => Transport::starttls_relay(&host),
            Encryption::Tls => Transport::relay(&host),
            Encryption::None => Ok(Transport::builder_dangerous(&host)),
        };
        let mut builder = builder
            .map_err(Error::internal)?
            .port(port)
            .timeout(Some(step_limit));
        if let Some((user, password)) = login {
            builder = builder.credentials(Credentials::new(user, password.expose().clone()));
        }
        Ok(Self {
            transport: builder.build(),
            breaker: Breaker::new("smtp", clock.clone()),
            meter: Outbound::to("smtp"),
            from,
            talk_limit: step_limit * STEPS,
            clock,
        })
    }
}

#[async_trait]
impl Mail for SmtpMail {
    async fn send(&self, letter: &Letter) -> Result<()> {
        let message = message::message(&self.from, letter, self.clock.now())?;
        let permit = self.breaker.enter()?;
        let began = Instant::now();
        let talk = self.transport.send(message).instrument(self.meter.span());
        let sent = tokio::time::timeout(self.talk_limit, talk).await;
        let outcome = match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_elapsed) => Err(Error::unavailable(
                "the mail server takes too long",
                "time is up",
            )),
        };
        let took = began.elapsed();
        match &outcome {
            Ok(()) => {
                self.meter.ok(took);
                permit.succeeded();
            }
            // It works; this letter it does not want.
            Err(error) if error.is_permanent() => {
                self.meter.refused(took);
                permit.succeeded();
            }
            Err(_) => {
                self.meter.failed(took);
                permit.failed();
            }
        }
        outcome
    }
}

/// What a failure means. What the server said is not kept: it tends to repeat addresses.
fn refusal(error: &smtp::Error) -> Error {
    let code = error.status().map(|code| code.to_string());
    match code {
        Some(code) if error.is_permanent() => {
            let message = format!("the mail server refuses the letter ({code})");
            Error::new(Reason::Blocked, message).permanently()
        }
        Some(code) => Error::unavailable("the mail server takes no letters now", code),
        None => {
            let kind = [
                (error.is_timeout(), "time-out"),
                (error.is_tls(), "TLS"),
                (error.is_response(), "an answer that is no SMTP"),
                (error.is_client(), "a step that the server does not offer"),
            ];
            let kind = kind.iter().find(|(is, _)| *is).map(|(_, kind)| *kind);
            Error::unavailable(
                "the mail server cannot be reached",
                kind.unwrap_or("network"),
            )
        }
    }
}
