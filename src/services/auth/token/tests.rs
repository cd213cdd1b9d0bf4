mod hostile;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use self::hostile::hostile;
use super::{AccessTokens, Bearer, Keys};
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::signing::testing::{Pem, ed25519, rsa};
use crate::kernel::signing::{CheckingKey, SigningKey};
use crate::kernel::{Reason, Role, Secret, Time};

const TTL: Duration = Duration::from_secs(900);
const SECRET: &[u8] = b"the signing secret of the tests";

fn now() -> Time {
    Time::from_micros(1_790_000_000_000_000)
}

fn tokens(keys: Keys) -> AccessTokens {
    AccessTokens::new(keys, "souk".to_owned(), "souk".to_owned(), TTL)
}

fn secret(text: &[u8]) -> SigningKey {
    SigningKey::from_secret(&Secret::new(text.to_vec()))
}

fn alone(key: SigningKey) -> AccessTokens {
    tokens(Keys::new(key, Vec::new()))
}

fn bearer() -> Bearer {
    Bearer {
        user: UserId::new(now()),
        session: SessionId::new(now()),
    }
}

/// Makes tokens as an attacker would, or as souk would if it were careless.
struct Forge {
    pem: Pem,
    ours: AccessTokens,
    kid: String,
}

impl Forge {
    fn new() -> Self {
        let pem = rsa();
        let key = SigningKey::from_pem(pem.private.as_bytes()).unwrap();
        let kid = key.checks().id().to_owned();
        Self {
            pem,
            ours: alone(key),
            kid,
        }
    }

    fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": "RS256", "kid": self.kid})
    }

    fn claims(&self) -> Value {
        let (now, bearer) = (now().seconds(), bearer());
        json!({
            "sub": bearer.user.to_string(), "sid": bearer.session.to_string(),
            "role": "CUSTOMER", "iat": now, "nbf": now, "exp": now + 900, "jti": "a",
            "iss": "souk", "aud": "souk",
        })
    }

    /// Signed by souk's own key, whatever it says.
    fn signed(&self, header: &str, claims: &[u8]) -> String {
        let key = EncodingKey::from_rsa_pem(self.pem.private.as_bytes()).unwrap();
        sealed(header, claims, &key, Algorithm::RS256)
    }

    fn with_header(&self, changes: Value) -> String {
        let header = changed(self.header(), changes).to_string();
        self.signed(&header, self.claims().to_string().as_bytes())
    }

    fn with_claims(&self, changes: Value) -> String {
        let claims = changed(self.claims(), changes).to_string();
        self.signed(&self.header().to_string(), claims.as_bytes())
    }

    fn with_payload(&self, payload: &[u8]) -> String {
        self.signed(&self.header().to_string(), payload)
    }

    fn good(&self) -> String {
        self.with_claims(json!({}))
    }

    /// Signed by HMAC, with a key that everybody may know.
    fn confused(&self, key: &[u8]) -> String {
        let header = changed(self.header(), json!({"alg": "HS256"})).to_string();
        let key = EncodingKey::from_secret(key);
        let claims = self.claims().to_string();
        sealed(&header, claims.as_bytes(), &key, Algorithm::HS256)
    }

    fn unsigned(&self, algorithm: &str) -> String {
        let header = changed(self.header(), json!({"alg": algorithm})).to_string();
        let claims = self.claims().to_string();
        format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        )
    }
}

/// The object with members set, or removed where they are null.
fn changed(mut object: Value, changes: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    object
}

fn sealed(header: &str, claims: &[u8], key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn a_token_speaks_for_its_session_until_it_expires() {
    for key in [
        secret(SECRET),
        SigningKey::from_pem(rsa().private.as_bytes()).unwrap(),
        SigningKey::from_pem(ed25519().private.as_bytes()).unwrap(),
    ] {
        let (ours, bearer) = (alone(key), bearer());
        let token = ours.issue(now(), bearer, Role::Customer).unwrap();
        assert_eq!(ours.read(now(), &token).unwrap(), bearer);
        let last = now() + (TTL - Duration::from_secs(1));
        assert_eq!(ours.read(last, &token).unwrap(), bearer);
        let after = ours.read(now() + TTL, &token).unwrap_err();
        assert_eq!(after.reason(), Reason::TokenExpired);
        assert_eq!(after.message(), "the access token is not valid");
        let early = ours.read(now() - Duration::from_secs(60), &token);
        assert_eq!(early.unwrap_err().reason(), Reason::TokenInvalid);
    }
}

#[test]
fn a_key_that_signs_no_more_still_checks_while_it_is_named() {
    let old = || secret(b"the secret before");
    let token = alone(old()).issue(now(), bearer(), Role::Customer).unwrap();
    let new = SigningKey::from_pem(ed25519().private.as_bytes()).unwrap();
    let rotated = tokens(Keys::new(new.clone(), vec![old().checks().clone()]));
    assert!(rotated.read(now(), &token).is_ok());
    let fresh = rotated.issue(now(), bearer(), Role::Customer).unwrap();
    assert!(rotated.read(now(), &fresh).is_ok());
    assert!(alone(new.clone()).read(now(), &fresh).is_ok());
    assert!(alone(new).read(now(), &token).is_err());
    assert!(alone(old()).read(now(), &fresh).is_err());
}

#[test]
fn keys_of_two_kinds_do_not_stand_in_for_each_other() {
    // The shared secret is the public key's own text: the classic confusion.
    let pem = rsa();
    let public = CheckingKey::from_pem(pem.public.as_bytes()).unwrap();
    let both = tokens(Keys::new(secret(SECRET), vec![public.clone()]));
    let forge = Forge {
        kid: public.id().to_owned(),
        ours: both,
        pem,
    };
    assert!(forge.ours.read(now(), &forge.good()).is_ok());
    let confused = forge.confused(forge.pem.public.as_bytes());
    assert!(forge.ours.read(now(), &confused).is_err());
}

#[test]
fn every_hostile_token_gets_the_same_answer() {
    let forge = Forge::new();
    assert!(forge.ours.read(now(), &forge.good()).is_ok());
    let tokens = hostile(&forge);
    assert!(tokens.len() >= 100, "{}", tokens.len());
    for (name, token) in tokens {
        let Err(refused) = forge.ours.read(now(), &token) else {
            panic!("{name} was taken");
        };
        assert_eq!(refused.reason(), Reason::TokenInvalid, "{name}");
        assert_eq!(refused.message(), "the access token is not valid", "{name}");
    }
}

#[test]
fn a_token_that_expired_must_be_ours_to_be_told_so() {
    let forge = Forge::new();
    let later = now() + 2 * TTL;
    let expired = forge.ours.read(later, &forge.good()).unwrap_err();
    assert_eq!(expired.reason(), Reason::TokenExpired);
    for (name, token) in hostile(&forge) {
        // What was ahead of its time is now behind it.
        if name == "nbf ahead" {
            continue;
        }
        let refused = forge.ours.read(later, &token).unwrap_err();
        assert_eq!(refused.reason(), Reason::TokenInvalid, "{name}");
    }
}
