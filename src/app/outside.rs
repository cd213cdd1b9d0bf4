//! Who stands for the outside world: a provider where one is configured, something to
//! look at in development, and nobody in production otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::clients::blob::{self, Blobs, LocalBlobs, S3Blobs, S3Bucket};
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

/// Where the bytes of files are kept, and the folder where it is one of this host.
pub(super) struct Kept {
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) folder: Option<Arc<LocalBlobs>>,
}

/// Where the bytes of files are kept.
///
/// # Errors
/// INTERNAL when TLS cannot be set up, or when the bucket has no address.
pub(super) fn blobs(
    config: &Config,
    given: Option<Arc<dyn Blobs>>,
    sealer: &Sealer,
    clock: &Clock,
    limits: http::Limits,
) -> Result<Kept> {
    if let Some(blobs) = given {
        let folder = None;
        return Ok(Kept { blobs, folder });
    }
    let Some(bucket) = &config.media.bucket else {
        let own_url = match &config.media.own_url {
            Some(url) => url.clone(),
            None => own_url(
                config,
                SocketAddr::new(config.server.host, config.server.port),
            ),
        };
        let root = config.data.join("files");
        let folder = LocalBlobs::new(root, own_url, sealer.clone(), clock.clone());
        let folder = Arc::new(folder);
        return Ok(Kept {
            blobs: folder.clone(),
            folder: Some(folder),
        });
    };
    let http = Http::new("s3", reach(config), blob::limits(limits))?;
    let bucket = S3Bucket {
        endpoint: bucket.endpoint.clone(),
        access_key_id: bucket.access_key_id.clone(),
        secret_access_key: bucket.secret_access_key.clone(),
        name: bucket.name.clone(),
        public_url: bucket.public_url.clone(),
        region: bucket.region.clone(),
        path_style: bucket.path_style,
    };
    let blobs = Arc::new(S3Blobs::new(http, clock.clone(), bucket)?);
    Ok(Kept {
        blobs,
        folder: None,
    })
}

/// Where a server with these settings keeps the bytes of files.
///
/// # Errors
/// INTERNAL when TLS cannot be set up, or when the bucket has no address.
pub fn files(config: &Config) -> Result<Arc<dyn Blobs>> {
    let (sealer, clock) = (Sealer::new(config.secrets.token.clone()), Clock::system());
    let kept = blobs(config, None, &sealer, &clock, http::Limits::default())?;
    Ok(kept.blobs)
}

/// Where clients on this host reach a server that listens there.
pub(super) fn own_url(config: &Config, listens: SocketAddr) -> String {
    let scheme = match config.server.tls {
        Some(_) => "https",
        None => "http",
    };
    format!("{scheme}://{}", on_this_host(listens))
}

/// Where this host calls what listens there: every address of it is none that can be called.
pub fn on_this_host(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
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
