//! The keys of access tokens, beyond the shared secret that signs them by default.

use std::fs;

use super::read::{Name, Reader};
use super::secrets::Secrets;
use crate::kernel::Secret;
use crate::kernel::signing::{CheckingKey, SigningKey};

const PRIVATE: Name = ("JWT_PRIVATE_KEY_FILE", "auth.jwt_private_key_file");
const PREVIOUS: Name = ("JWT_PREVIOUS_KEY_FILE", "auth.jwt_previous_key_file");
const PREVIOUS_SECRET: Name = ("JWT_PREVIOUS_SECRET", "secrets.jwt_previous");
/// As for every other secret.
const LEAST_BYTES: usize = 32;

/// The keys of access tokens.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Signs instead of the shared secret.
    pub private: Option<SigningKey>,
    /// Signed before; they still check.
    pub previous: Vec<CheckingKey>,
}

/// Reads the keys; `secrets` are what they must not repeat.
pub(super) fn read(reader: &mut Reader, secrets: &Secrets, production: bool) -> Keys {
    let private = file(reader, PRIVATE, SigningKey::from_pem);
    let mut previous = Vec::new();
    previous.extend(file(reader, PREVIOUS, CheckingKey::from_pem));
    if let Some(text) = reader.text(PREVIOUS_SECRET) {
        let secret = Secret::new(text.into_bytes());
        if production && secret.expose().len() < LEAST_BYTES {
            let message = format!("must have at least {LEAST_BYTES} bytes");
            reader.problem(PREVIOUS_SECRET, message);
        }
        if [&secrets.jwt, &secrets.otp, &secrets.token].contains(&&secret) {
            reader.problem(PREVIOUS_SECRET, "must differ from the secrets in use");
        }
        previous.push(CheckingKey::from_secret(&secret));
    }
    let signs = private.as_ref().map(|key| key.checks().id());
    if previous.iter().any(|key| Some(key.id()) == signs) {
        reader.problem(PREVIOUS, "must hold another key than JWT_PRIVATE_KEY_FILE");
    }
    Keys { private, previous }
}

fn file<T>(
    reader: &mut Reader,
    name: Name,
    parse: impl Fn(&[u8]) -> Result<T, &'static str>,
) -> Option<T> {
    let path = reader.text(name)?;
    let key = match fs::read(&path) {
        Ok(pem) => parse(&pem).map_err(str::to_owned),
        Err(error) => Err(format!("names a file that cannot be read: {error}")),
    };
    key.map_err(|problem| reader.problem(name, problem)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::read::testing::with;
    use super::*;
    use crate::kernel::signing::testing::{ed25519, rsa};

    fn secrets() -> Secrets {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        Secrets {
            jwt: secret("jwt"),
            otp: secret("otp"),
            token: secret("token"),
        }
    }

    fn load(settings: &[(&str, &str)], production: bool) -> Result<Keys, Vec<String>> {
        with(settings, |reader| read(reader, &secrets(), production))
    }

    fn refusal(settings: &[(&str, &str)], production: bool) -> String {
        load(settings, production).unwrap_err().remove(0)
    }

    #[test]
    fn keys_come_from_files_and_nothing_is_needed() {
        let none = load(&[], true).unwrap();
        assert!(none.private.is_none() && none.previous.is_empty());

        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (new, old) = (ed25519(), rsa());
        let (new_file, old_file) = (path("new.pem", &new.private), path("old.pem", &old.public));
        let settings = [
            ("JWT_PRIVATE_KEY_FILE", new_file.as_str()),
            ("JWT_PREVIOUS_KEY_FILE", old_file.as_str()),
            ("JWT_PREVIOUS_SECRET", "0123456789abcdef0123456789abcdef"),
        ];
        let keys = load(&settings, true).unwrap();
        assert_eq!(keys.private.unwrap().checks().algorithm(), "EdDSA");
        let previous: Vec<_> = keys.previous.iter().map(CheckingKey::algorithm).collect();
        assert_eq!(previous, ["RS256", "HS256"]);

        let same = [
            ("JWT_PRIVATE_KEY_FILE", new_file.as_str()),
            ("JWT_PREVIOUS_KEY_FILE", new_file.as_str()),
        ];
        assert!(refusal(&same, true).starts_with("JWT_PREVIOUS_KEY_FILE must hold another"));
        let public = [("JWT_PRIVATE_KEY_FILE", old_file.as_str())];
        assert!(refusal(&public, true).starts_with("JWT_PRIVATE_KEY_FILE holds no"));
    }

    #[test]
    fn a_file_or_secret_that_is_no_good_is_told_by_name() {
        let missing = [("JWT_PRIVATE_KEY_FILE", "/nowhere/key.pem")];
        assert!(refusal(&missing, false).starts_with("JWT_PRIVATE_KEY_FILE names a file"));
        let short = [("JWT_PREVIOUS_SECRET", "short")];
        assert!(load(&short, false).is_ok());
        assert!(refusal(&short, true).starts_with("JWT_PREVIOUS_SECRET must have at least 32"));
        let same = [("JWT_PREVIOUS_SECRET", "otp")];
        assert!(refusal(&same, false).starts_with("JWT_PREVIOUS_SECRET must differ"));
    }
}
