//! Who stands for the outside world: a provider where one is configured, something to
//! look at in development, and nobody in production otherwise.

use std::sync::Arc;

use crate::clients::blob::{Blobs, LocalBlobs};
use crate::clients::clerk::{self, Clerk};
use crate::clients::http::{self, Http, Reach};
use crate::clients::mail::{Encryption, FileMail, Mail, SmtpAccount, SmtpMail};
use crate::clients::sms::{LogSms, Sender, Sms, Twilio, TwilioAccount};
use crate::config::{self, Config, Environment};
use crate::kernel::seal::Sealer;
use crate::kernel::{Clock, Error, Result};

/// The sender of letters that nobody receives.
const DEVELOPER: &str = "souk <souk@localhost>";

/// What a test brings along, or else what the settings say.
pub(super) fn or<T: ?Sized>(
    given: Option<Arc<T>>,
    configured: impl FnOnce() -> Result<Option<Arc<T>>>,
) -> Result<Option<Arc<T>>> {
    match given {
        Some(given) => Ok(Some(given)),
        None => configured(),
    }
}

/// Who sends text messages.
///
/// # Errors
/// INTERNAL when TLS cannot be set up.
pub fn sms(config: &Config, clock: &Clock, limits: http::Limits) -> Result<Option<Arc<dyn Sms>>> {
    let Some(twilio) = &config.sms.twilio else {
        return Ok(match config.environment {
            Environment::Development => Some(Arc::new(LogSms)),
            Environment::Production => None,
        });
    };
    let http = Http::new("twilio", reach(config), limits)?;
    let account = TwilioAccount {
        api_url: twilio.api_url.clone(),
        sid: twilio.account_sid.clone(),
        auth_token: twilio.auth_token.clone(),
        sender: match &twilio.sender {
            config::Sender::From(number) => Sender::From(number.clone()),
            config::Sender::Service(sid) => Sender::Service(sid.clone()),
        },
    };
    Ok(Some(Arc::new(Twilio::new(http, clock.clone(), account))))
}

/// Who sends mail.
///
/// # Errors
/// INTERNAL when the server's name is none that TLS can prove.
pub fn mail(config: &Config, clock: &Clock, limits: http::Limits) -> Result<Option<Arc<dyn Mail>>> {
    let from = match &config.mail.from {
        Some(from) => from.clone(),
        None => DEVELOPER.parse().map_err(Error::internal)?,
    };
    let Some(smtp) = &config.mail.smtp else {
        let folder = config.data.join("mail");
        return Ok(match config.environment {
            Environment::Development => Some(Arc::new(FileMail::new(folder, from, clock.clone()))),
            Environment::Production => None,
        });
    };
    let account = SmtpAccount {
        host: smtp.host.clone(),
        port: smtp.port,
        encryption: match smtp.tls {
            config::SmtpTls::StartTls => Encryption::StartTls,
            config::SmtpTls::Tls => Encryption::Tls,
            config::SmtpTls::None => Encryption::None,
        },
        login: smtp.login.clone(),
        from,
    };
    Ok(Some(Arc::new(SmtpMail::new(
        account,
        limits.total,
        clock.clone(),
    )?)))
}

/// Where the bytes of files are kept.
pub(super) fn blobs(config: &Config, sealer: &Sealer, clock: &Clock) -> Arc<dyn Blobs> {
    let folder = config.data.join("files");
    let base_url = String::new();
    Arc::new(LocalBlobs::new(
        folder,
        base_url,
        sealer.clone(),
        clock.clone(),
    ))
}

/// Who knows the people of Clerk, where it is on.
///
/// # Errors
/// INTERNAL when TLS cannot be set up.
pub(super) fn clerk(config: &Config, limits: http::Limits) -> Result<Option<Arc<Clerk>>> {
    let Some(clerk) = config.clerk.clone() else {
        return Ok(None);
    };
    let http = Http::new("clerk", reach(config), clerk::limits(limits))?;
    let settings = clerk::Settings {
        issuer: clerk.issuer,
        jwks_url: clerk.jwks_url,
        api_url: clerk.api_url,
        authorized_parties: clerk.authorized_parties,
        secret_key: clerk.secret_key,
        webhook_secrets: clerk.webhook_secrets,
    };
    Ok(Some(Arc::new(Clerk::new(http, settings))))
}

/// Development may put stand-ins for providers on this host.
fn reach(config: &Config) -> Reach {
    match config.environment {
        Environment::Development => Reach::ThisHostToo,
        Environment::Production => Reach::Public,
    }
}
