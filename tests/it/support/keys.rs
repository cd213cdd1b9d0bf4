//! Signing keys for tests, made once in each run, and tokens that anybody could make.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use souk::kernel::signing::{PublicKey, SigningKey};

/// A key pair in PEM form.
pub struct Pem {
    pub private: String,
    pub public: String,
}

/// One of a few RSA keys.
pub fn rsa(number: usize) -> &'static Pem {
    static KEYS: [OnceLock<Pem>; 4] = [const { OnceLock::new() }; 4];
    KEYS[number].get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = aws_lc_rs::signature::KeyPair::public_key(&pair)
            .as_der()
            .unwrap();
        Pem {
            private: pem("PRIVATE KEY", private.as_ref()),
            public: pem("PUBLIC KEY", public.as_ref()),
        }
    })
}

/// A new private Ed25519 key.
pub fn ed25519() -> String {
    let private = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
    pem("PRIVATE KEY", private.as_ref())
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        lines.join("\n")
    )
}

/// An RSA key as a list of keys shows it.
pub fn jwk(pem: &Pem, kid: &str) -> Value {
    let key = SigningKey::from_pem(pem.private.as_bytes()).unwrap();
    let Some(PublicKey::Rsa { n, e }) = key.checks().public() else {
        panic!("not an RSA key");
    };
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e})
}

/// A token with this header and these claims, signed by RS256.
pub fn signed(header: &Value, claims: &Value, pem: &Pem) -> String {
    let key = EncodingKey::from_rsa_pem(pem.private.as_bytes()).unwrap();
    sealed(header, claims, &key, Algorithm::RS256)
}

/// A token with this header and these claims.
pub fn sealed(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The claims of a token, unproven.
pub fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The object with members set, or removed where they are null.
pub fn changed(mut object: Value, changes: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    object
}
