//! Keys that sign tokens, and the compact form that signed tokens have (RFC 7515). Each
//! key has one algorithm and a name of its own; a token has no say in either.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::seal::hmac;
use super::{Error, Result, Secret};

/// A longer token is nobody's: ours have some 500 bytes, those of providers some 1000.
const TOKEN_MAX: usize = 8 * 1024;
/// RSA keys below are breakable, keys above cost more than they protect.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Why a PEM file is refused.
const NOT_A_KEY: &str = "holds no Ed25519 or RSA key in PEM form (PKCS #8)";
const WEAK: &str = "holds an RSA key that is not of 2048 to 8192 bits";

/// A key that signs, and checks what it signed.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    checks: CheckingKey,
}

/// A key that only checks.
#[derive(Clone)]
pub struct CheckingKey {
    id: String,
    algorithm: Algorithm,
    key: DecodingKey,
    public: Option<PublicKey>,
}

/// What everybody may know of a key (RFC 7517), its numbers in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// An RSA key.
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
    /// An Ed25519 key.
    Ed25519 {
        /// The public key.
        x: String,
    },
}

impl SigningKey {
    /// HS256 with a shared secret.
    pub fn from_secret(secret: &Secret<Vec<u8>>) -> Self {
        Self {
            key: EncodingKey::from_secret(secret.expose()),
            checks: CheckingKey::from_secret(secret),
        }
    }

    /// EdDSA or RS256, with the private key of a PEM text.
    ///
    /// # Errors
    /// What is wrong with the text, to follow the name of where it stands.
    pub fn from_pem(pem: &[u8]) -> Result<Self, &'static str> {
        let (key, algorithm) = EncodingKey::from_ed_pem(pem)
            .map(|key| (key, Algorithm::EdDSA))
            .or_else(|_| EncodingKey::from_rsa_pem(pem).map(|key| (key, Algorithm::RS256)))
            .map_err(|_| NOT_A_KEY)?;
        let jwk = Jwk::from_encoding_key(&key, algorithm).map_err(|_| NOT_A_KEY)?;
        let checks = CheckingKey::from_jwk(&jwk, algorithm)?;
        Ok(Self { key, checks })
    }

    /// The half that checks.
    pub const fn checks(&self) -> &CheckingKey {
        &self.checks
    }

    /// Signs claims. `kind` is the header's `typ`.
    ///
    /// # Errors
    /// INTERNAL when signing fails.
    pub fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String> {
        let header = jsonwebtoken::Header {
            typ: Some(kind.to_owned()),
            kid: Some(self.checks.id.clone()),
            ..jsonwebtoken::Header::new(self.checks.algorithm)
        };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(Error::internal)
    }
}

impl CheckingKey {
    /// HS256 with a shared secret. Its name follows from the secret and does not tell it.
    pub fn from_secret(secret: &Secret<Vec<u8>>) -> Self {
        let mut mac = hmac(secret.expose());
        mac.update(b"souk key id");
        let name = mac.finalize().into_bytes();
        Self {
            id: URL_SAFE_NO_PAD.encode(&name[..12]),
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret.expose()),
            public: None,
        }
    }

    /// EdDSA or RS256, with the public or private key of a PEM text.
    ///
    /// # Errors
    /// What is wrong with the text, to follow the name of where it stands.
    pub fn from_pem(pem: &[u8]) -> Result<Self, &'static str> {
        if let Ok(private) = SigningKey::from_pem(pem) {
            return Ok(private.checks);
        }
        let (key, algorithm) = DecodingKey::from_ed_pem(pem)
            .map(|key| (key, Algorithm::EdDSA))
            .or_else(|_| DecodingKey::from_rsa_pem(pem).map(|key| (key, Algorithm::RS256)))
            .map_err(|_| NOT_A_KEY)?;
        let jwk = Jwk::from_decoding_key(&key, Some(algorithm)).map_err(|_| NOT_A_KEY)?;
        Self::from_jwk(&jwk, algorithm)
    }

    /// RS256 with a public key that a provider publishes, under the provider's name.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn from_rsa(id: &str, n: &str, e: &str) -> Result<Self, &'static str> {
        rsa_is_sound(n)?;
        Ok(Self {
            id: id.to_owned(),
            algorithm: Algorithm::RS256,
            key: DecodingKey::from_rsa_components(n, e).map_err(|_| NOT_A_KEY)?,
            public: None,
        })
    }

    fn from_jwk(jwk: &Jwk, algorithm: Algorithm) -> Result<Self, &'static str> {
        let public = match &jwk.algorithm {
            AlgorithmParameters::RSA(key) => PublicKey::Rsa {
                n: key.n.clone(),
                e: key.e.clone(),
            },
            AlgorithmParameters::OctetKeyPair(key) => PublicKey::Ed25519 { x: key.x.clone() },
            _ => return Err(NOT_A_KEY),
        };
        if let PublicKey::Rsa { n, .. } = &public {
            rsa_is_sound(n)?;
        }
        Ok(Self {
            id: jwk
                .thumbprint(ThumbprintHash::SHA256)
                .map_err(|_| NOT_A_KEY)?,
            algorithm,
            key: DecodingKey::from_jwk(jwk).map_err(|_| NOT_A_KEY)?,
            public: Some(public),
        })
    }

    /// The name by which tokens call the key: for ours, its thumbprint (RFC 7638).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The one algorithm that the key is for, as the header's `alg` says it.
    pub const fn algorithm(&self) -> &'static str {
        match self.algorithm {
            Algorithm::EdDSA => "EdDSA",
            Algorithm::RS256 => "RS256",
            _ => "HS256",
        }
    }

    /// What everybody may know of the key; nothing of a shared secret.
    pub const fn public(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    /// Whether the key signed the token.
    pub fn signed(&self, token: &Compact<'_>) -> bool {
        crypto::verify(
            token.signature,
            token.signed.as_bytes(),
            &self.key,
            self.algorithm,
        )
        .unwrap_or(false)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.checks).finish()
    }
}

impl fmt::Debug for CheckingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckingKey({} {})", self.algorithm(), self.id)
    }
}

fn rsa_is_sound(n: &str) -> Result<(), &'static str> {
    let modulus = URL_SAFE_NO_PAD.decode(n).map_err(|_| NOT_A_KEY)?;
    let first = modulus.iter().position(|byte| *byte != 0).unwrap_or(0);
    let zeros = modulus.get(first).map_or(0, |byte| byte.leading_zeros());
    let bits = (modulus.len() - first) * 8 - zeros as usize;
    RSA_BITS.contains(&bits).then_some(()).ok_or(WEAK)
}

/// A token of three parts in base64url, taken apart. Nothing in it is proven.
#[derive(Debug, Clone, Copy)]
pub struct Compact<'t> {
    header: &'t str,
    claims: &'t str,
    signature: &'t str,
    /// Header and claims, as they were signed.
    signed: &'t str,
}

impl<'t> Compact<'t> {
    /// Takes a token apart: three parts, none empty, of the letters of base64url alone,
    /// and not too long.
    pub fn of(token: &'t str) -> Option<Self> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let plain = |part: &str| {
            let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !part.is_empty() && part.bytes().all(letter)
        };
        (plain(header) && plain(claims) && plain(signature)).then_some(Self {
            header,
            claims,
            signature,
            signed,
        })
    }

    /// The header, as its reader expects it.
    pub fn header<T: DeserializeOwned>(&self) -> Option<T> {
        part(self.header)
    }

    /// The claims, as their reader expects them. A claim that the reader knows and that
    /// stands twice makes them unreadable.
    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        part(self.claims)
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
