//! Clerk, the identity provider. It is on when its issuer is named.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;

use super::read::{Name, Problem, Reader, refused};
use crate::kernel::Secret;

const ISSUER: Name = ("CLERK_ISSUER", "clerk.issuer");
const JWKS: Name = ("CLERK_JWKS_URL", "clerk.jwks_url");
const API: Name = ("CLERK_API_URL", "clerk.api_url");
const PARTIES: Name = ("CLERK_AUTHORIZED_PARTIES", "clerk.authorized_parties");
const KEY: Name = ("CLERK_SECRET_KEY", "clerk.secret_key");
const WEBHOOK: Name = ("CLERK_WEBHOOK_SECRET", "clerk.webhook_secret");
/// A key of a signature must not be guessed.
const LEAST_BYTES: usize = 16;

/// Clerk.
#[derive(Debug, Clone)]
pub struct Clerk {
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
    /// Sign its webhooks, any of them; none takes no webhook.
    pub webhook_secrets: Vec<Secret<Vec<u8>>>,
}

pub(super) fn read(reader: &mut Reader) -> Option<Clerk> {
    let issuer = url(reader, ISSUER, None);
    let default = |issuer: &str| format!("{issuer}/.well-known/jwks.json");
    let jwks_url = url(reader, JWKS, issuer.as_deref().map(default));
    let api_url = url(reader, API, Some("https://api.clerk.com".to_owned()));
    let authorized_parties = reader.list(PARTIES);
    let secret_key = reader.text(KEY).map(Secret::new);
    let mut webhook_secrets = Vec::new();
    for text in reader.list(WEBHOOK) {
        let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(&text));
        match key {
            Ok(key) if key.len() >= LEAST_BYTES => webhook_secrets.push(Secret::new(key)),
            _ => reader.problem(
                WEBHOOK,
                "must be the signing secret as Clerk shows it, whsec_…",
            ),
        }
    }
    let Some(issuer) = issuer else {
        if secret_key.is_some() || !webhook_secrets.is_empty() || !authorized_parties.is_empty() {
            reader.problem(ISSUER, "must be set where other settings of Clerk are");
        }
        return None;
    };
    Some(Clerk {
        jwks_url: jwks_url?,
        api_url: api_url?,
        issuer,
        authorized_parties,
        secret_key,
        webhook_secrets,
    })
}

/// A URL without a slash at its end.
fn url(reader: &mut Reader, name: Name, default: Option<String>) -> Option<String> {
    reader.with(name, default, "a URL, https://…", |text| {
        let uri: Uri = text.parse().ok()?;
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        (web && uri.query().is_none()).then(|| Some(text.trim_end_matches('/').to_owned()))
    })
}

/// What production must not start with.
pub(super) fn refusals(clerk: &Clerk) -> Vec<Problem> {
    let plain = |url: &str| !url.starts_with("https://");
    refused([
        (
            plain(&clerk.issuer),
            ISSUER.0,
            "must begin with https://: its keys are fetched from there",
        ),
        (plain(&clerk.jwks_url), JWKS.0, "must begin with https://"),
        (plain(&clerk.api_url), API.0, "must begin with https://"),
        (
            clerk.authorized_parties.is_empty(),
            PARTIES.0,
            "must list the origins of your pages: without it a token that was made for any other page of the instance is taken",
        ),
        (
            clerk.webhook_secrets.is_empty(),
            WEBHOOK.0,
            "must be set: without it people whom Clerk deletes keep their accounts",
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::read::testing::with;
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn it_is_off_until_the_issuer_is_named() {
        let off = with(&[("CLERK_API_URL", "https://api.example")], read);
        assert!(off.unwrap().is_none());
        let on = with(&[("CLERK_ISSUER", "https://clerk.example.dz/")], read);
        let on = on.unwrap().unwrap();
        assert_eq!(on.issuer, "https://clerk.example.dz");
        assert_eq!(
            on.jwks_url,
            "https://clerk.example.dz/.well-known/jwks.json"
        );
        assert_eq!(on.api_url, "https://api.clerk.com");
        let problems = with(&[("CLERK_SECRET_KEY", "sk_test_1")], read).unwrap_err();
        assert!(problems[0].starts_with("CLERK_ISSUER must be set"));
    }

    #[test]
    fn what_cannot_be_is_told_by_name() {
        let wrong = [
            ("CLERK_ISSUER", "clerk.example.dz"),
            ("CLERK_ISSUER", "ftp://clerk.example.dz"),
            ("CLERK_JWKS_URL", "file:///etc/passwd"),
            ("CLERK_API_URL", "api"),
            ("CLERK_WEBHOOK_SECRET", "whsec_short"),
            ("CLERK_WEBHOOK_SECRET", "whsec_AAAA"),
        ];
        for (name, value) in wrong {
            let mut settings = vec![(name, value)];
            if name != "CLERK_ISSUER" {
                settings.push(("CLERK_ISSUER", "https://clerk.example.dz"));
            }
            let problems = with(&settings, read).unwrap_err();
            assert_eq!(problems.len(), 1, "{value}: {problems:?}");
            assert!(problems[0].starts_with(name), "{problems:?}");
        }
    }

    #[test]
    fn production_needs_webhooks_and_origins_and_encryption() {
        let safe = [
            ("CLERK_ISSUER", "https://clerk.example.dz"),
            (
                "CLERK_AUTHORIZED_PARTIES",
                "https://example.dz, https://www.example.dz",
            ),
            ("CLERK_WEBHOOK_SECRET", SECRET),
        ];
        let clerk = with(&safe, read).unwrap().unwrap();
        assert_eq!(clerk.authorized_parties.len(), 2);
        assert_eq!(clerk.webhook_secrets[0].expose().len(), 24);
        assert!(refusals(&clerk).is_empty());
        assert!(!format!("{clerk:?}").contains("MfKQ9r8"));
        let open = with(&[("CLERK_ISSUER", "http://clerk.example.dz")], read);
        let open = open.unwrap().unwrap();
        let refused: Vec<String> = refusals(&open).iter().map(ToString::to_string).collect();
        assert_eq!(refused.len(), 4, "{refused:?}");
    }

    #[test]
    fn two_secrets_stand_while_one_takes_the_others_place() {
        let two = format!("{SECRET},whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let settings = [
            ("CLERK_ISSUER", "https://clerk.example.dz"),
            ("CLERK_WEBHOOK_SECRET", two.as_str()),
        ];
        let clerk = with(&settings, read).unwrap().unwrap();
        assert_eq!(clerk.webhook_secrets.len(), 2);
    }
}
