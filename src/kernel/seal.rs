//! Opaque tokens that a client carries for us: page tokens, resume tokens, guest order
//! tokens. Authenticated by HMAC-SHA256 and bound to their purpose, so that a token of
//! one kind, caller or filter is worth nothing elsewhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

/// Bytes of the MAC that a token keeps: 128 bits, far beyond guessing online.
const TAG_LEN: usize = 16;

/// Seals and opens tokens with one key.
#[derive(Debug, Clone)]
pub struct Sealer {
    key: Secret<Vec<u8>>,
}

impl Sealer {
    /// A sealer with its own secret key.
    pub const fn new(key: Secret<Vec<u8>>) -> Self {
        Self { key }
    }

    /// A token that carries `payload` and opens only with the same `purpose`: the kind
    /// of the token and everything that it is bound to.
    pub fn seal(&self, purpose: &str, payload: &[u8]) -> String {
        let mut out = self.tag(purpose, payload).to_vec();
        out.extend_from_slice(payload);
        URL_SAFE_NO_PAD.encode(out)
    }

    /// The payload of a token of ours, or nothing.
    pub fn open(&self, purpose: &str, token: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, payload) = bytes.split_at_checked(TAG_LEN)?;
        let expected = self.tag(purpose, payload);
        bool::from(subtle::ConstantTimeEq::ct_eq(tag, expected.as_slice()))
            .then(|| payload.to_vec())
    }

    fn tag(&self, purpose: &str, payload: &[u8]) -> [u8; TAG_LEN] {
        let mut mac = hmac(self.key.expose());
        // The length keeps purpose and payload from running into one another.
        mac.update(&(purpose.len() as u64).to_le_bytes());
        mac.update(purpose.as_bytes());
        mac.update(payload);
        let full = mac.finalize().into_bytes();
        let mut tag = [0u8; TAG_LEN];
        tag.copy_from_slice(&full[..TAG_LEN]);
        tag
    }
}

/// HMAC-SHA256 with a key of any length (RFC 2104).
#[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
pub fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_whole_and_for_its_purpose() {
        let sealer = Sealer::new(Secret::new(b"key".to_vec()));
        let token = sealer.seal("page:orders:usr_1", b"cursor");
        assert_eq!(sealer.open("page:orders:usr_1", &token).unwrap(), b"cursor");
        assert_eq!(sealer.open("page:orders:usr_2", &token), None);
        for place in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(sealer.open("page:orders:usr_1", &forged), None);
        }
        let other = Sealer::new(Secret::new(b"other".to_vec()));
        assert_eq!(other.open("page:orders:usr_1", &token), None);
        assert_eq!(sealer.open("page:orders:usr_1", "not base64!"), None);
    }
}
