//! Mail.

use lettre::message::Mailbox;

use super::read::{Name, Problem, Reader, refused};
use crate::kernel::Secret;

const HOST: Name = ("SMTP_HOST", "mail.smtp_host");
const PORT: Name = ("SMTP_PORT", "mail.smtp_port");
const USER: Name = ("SMTP_USER", "mail.smtp_user");
/// Another name of the user, which is an address with many providers.
const MAIL: Name = ("SMTP_MAIL", "mail.smtp_mail");
const PASSWORD: Name = ("SMTP_PASSWORD", "mail.smtp_password");
const TLS: Name = ("SMTP_TLS", "mail.smtp_tls");
const FROM: Name = ("MAIL_FROM", "mail.from");

/// Mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Whose letters they are; set whenever there is a server.
    pub from: Option<Mailbox>,
    /// Who sends them; without, development writes them to files and production sends
    /// none.
    pub smtp: Option<Smtp>,
}

/// An account at a mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the talk is kept from others.
    pub tls: SmtpTls,
    /// User and password, where the server asks for them.
    pub login: Option<(String, Secret<String>)>,
}

/// How the talk with a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// Begins in the clear and must go on in TLS.
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

impl SmtpTls {
    const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

pub(super) fn read(reader: &mut Reader) -> Mail {
    let host = reader.text(HOST);
    let user = reader.text(USER).or_else(|| reader.text(MAIL));
    // Both names are known, whichever counts.
    let address = reader.text(MAIL).or_else(|| user.clone());
    let password = reader.text(PASSWORD);
    let tls = reader.with(
        TLS,
        SmtpTls::StartTls,
        "starttls, tls or none",
        |text| match text.to_ascii_lowercase().as_str() {
            "starttls" => Some(SmtpTls::StartTls),
            "tls" => Some(SmtpTls::Tls),
            "none" => Some(SmtpTls::None),
            _ => None,
        },
    );
    let port = reader.number(PORT, tls.port(), 1, u16::MAX);
    let from = from(reader, address.filter(|_| host.is_some()));
    let login = match (user, password) {
        (Some(user), Some(password)) => Some((user, Secret::new(password))),
        (None, None) => None,
        (Some(_), None) => {
            reader.problem(PASSWORD, "must be set together with SMTP_USER");
            None
        }
        (None, Some(_)) => {
            reader.problem(USER, "must be set together with SMTP_PASSWORD");
            None
        }
    };
    if host.is_none() && login.is_some() {
        reader.problem(HOST, "must be set, as other settings of SMTP are");
    }
    if host.is_some() && from.is_none() {
        reader.problem(FROM, "must be an address that letters come from");
    }
    let smtp = host.map(|host| Smtp {
        host,
        port,
        tls,
        login,
    });
    Mail { from, smtp }
}

/// `MAIL_FROM`, or else the user of the server where that is an address.
fn from(reader: &mut Reader, user: Option<String>) -> Option<Mailbox> {
    match reader.text(FROM) {
        Some(text) => {
            let parsed = text.parse().ok();
            if parsed.is_none() {
                reader.problem(
                    FROM,
                    "must be an address such as souk <no-reply@example.com>",
                );
            }
            parsed
        }
        None => user.and_then(|user| user.parse().ok()),
    }
}

/// What production must not start with.
pub(super) fn refusals(mail: &Mail) -> Vec<Problem> {
    refused([(
        is_exposed(mail),
        TLS.0,
        "must not be none to another host: letters hold what opens accounts",
    )])
}

/// Whether letters, and the password, would travel in the clear.
fn is_exposed(mail: &Mail) -> bool {
    mail.smtp
        .as_ref()
        .is_some_and(|smtp| smtp.tls == SmtpTls::None && !is_local(&smtp.host))
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::super::read::testing::with;
    use super::*;

    #[test]
    fn a_server_brings_its_port_and_sender() {
        let none = with(&[], read).unwrap();
        assert!(none.smtp.is_none() && none.from.is_none());
        let usual = [
            ("SMTP_HOST", "smtp.example.com"),
            ("SMTP_MAIL", "souk@example.com"),
            ("SMTP_PASSWORD", "a-long-one"),
        ];
        let usual = with(&usual, read).unwrap();
        assert!(!format!("{usual:?}").contains("a-long-one"));
        assert_eq!(usual.from.unwrap().email.to_string(), "souk@example.com");
        let smtp = usual.smtp.unwrap();
        assert_eq!((smtp.port, smtp.tls), (587, SmtpTls::StartTls));
        assert_eq!(smtp.login.unwrap().0, "souk@example.com");
        let own = [
            ("SMTP_HOST", "smtp.example.com"),
            ("SMTP_USER", "souk"),
            ("SMTP_PASSWORD", "a-long-one"),
            ("SMTP_TLS", "tls"),
            ("MAIL_FROM", "souk <no-reply@example.com>"),
        ];
        let own = with(&own, read).unwrap();
        assert_eq!(own.smtp.unwrap().port, 465);
        assert_eq!(own.from.unwrap().email.to_string(), "no-reply@example.com");
    }

    #[test]
    fn half_of_it_is_refused() {
        let host = ("SMTP_HOST", "smtp.example.com");
        let from = ("MAIL_FROM", "souk@example.com");
        let user = ("SMTP_USER", "souk");
        let password = ("SMTP_PASSWORD", "a-long-one");
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[host], "MAIL_FROM"),
            (&[host, from, user], "SMTP_PASSWORD"),
            (&[host, from, password], "SMTP_USER"),
            (&[user, password], "SMTP_HOST"),
            (&[host, ("MAIL_FROM", "a@b, c@d")], "MAIL_FROM"),
            (&[host, from, ("SMTP_TLS", "maybe")], "SMTP_TLS"),
        ];
        for (settings, name) in cases {
            let problems = with(settings, read).unwrap_err();
            assert!(problems[0].starts_with(name), "{problems:?}");
        }
    }

    #[test]
    fn only_this_host_is_talked_to_in_the_clear() {
        for (host, exposed) in [
            ("localhost", false),
            ("127.0.0.1", false),
            ("::1", false),
            ("smtp.example.com", true),
            ("10.0.0.5", true),
            ("localhost.example.com", true),
        ] {
            let settings = [
                ("SMTP_HOST", host),
                ("SMTP_TLS", "none"),
                ("MAIL_FROM", "souk@example.com"),
            ];
            let mail = with(&settings, read).unwrap();
            assert_eq!(is_exposed(&mail), exposed, "{host}");
        }
    }
}
