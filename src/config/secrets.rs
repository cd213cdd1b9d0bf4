//! The keys that souk signs and seals with. In development they are made once and kept
//! in the data directory, so that nobody has to invent any to begin.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

use super::read::{Name, Problem, Reader};
use crate::kernel::{Secret, random};

const JWT: Name = ("JWT_SECRET", "secrets.jwt");
const OTP: Name = ("OTP_SECRET", "secrets.otp");
const TOKEN: Name = ("TOKEN_SECRET", "secrets.token");
const ALL: [Name; 3] = [JWT, OTP, TOKEN];

/// A key of an HMAC must not be weaker than its hash.
const LEAST_BYTES: usize = 32;

/// Words that stand in examples, never in a real key.
const SAMPLES: [&str; 8] = [
    "change",
    "secret",
    "example",
    "sample",
    "password",
    "your",
    "default",
    "development",
];

/// The keys, one per purpose, so that a leak of one opens nothing else.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Signs access tokens.
    pub jwt: Secret<Vec<u8>>,
    /// Peppers one-time passwords.
    pub otp: Secret<Vec<u8>>,
    /// Seals page, resume and guest tokens.
    pub token: Secret<Vec<u8>>,
}

/// Reads the keys. `data` is where development keeps those that it makes; production
/// makes none. Notes say what was made.
pub(super) fn read(reader: &mut Reader, data: Option<&Path>, notes: &mut Vec<String>) -> Secrets {
    let mut given: BTreeMap<&str, String> = BTreeMap::new();
    for name in ALL {
        if let Some(text) = reader.text(name) {
            given.insert(name.0, text);
        }
    }
    if let Some(data) = data
        && given.len() < ALL.len()
    {
        match kept(data, notes) {
            Ok(kept) => {
                for (name, text) in kept {
                    given.entry(name).or_insert(text);
                }
            }
            Err(error) => reader.problems.push(Problem::new(
                "SOUK_DATA",
                format!("does not let the secrets be kept in it: {error}"),
            )),
        }
    }
    if data.is_none() {
        reader.problems.extend(weak(&given));
    }
    let mut key =
        |(name, _): Name| Secret::new(given.remove(name).unwrap_or_default().into_bytes());
    Secrets {
        jwt: key(JWT),
        otp: key(OTP),
        token: key(TOKEN),
    }
}

/// What is wrong with keys that must protect a real marketplace.
fn weak(given: &BTreeMap<&str, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, (name, _)) in ALL.iter().enumerate() {
        let Some(text) = given.get(name) else {
            problems.push(Problem::new(*name, "must be set"));
            continue;
        };
        let plain = text.to_ascii_lowercase();
        let first = text.chars().next();
        if text.len() < LEAST_BYTES {
            problems.push(Problem::new(
                *name,
                format!("must have at least {LEAST_BYTES} bytes"),
            ));
        } else if SAMPLES.iter().any(|sample| plain.contains(sample))
            || text.chars().all(|letter| Some(letter) == first)
        {
            problems.push(Problem::new(*name, "must not be a sample value"));
        }
        for (other, _) in &ALL[..place] {
            if given.get(other) == Some(text) {
                problems.push(Problem::new(*name, format!("must differ from {other}")));
            }
        }
    }
    problems
}

/// The keys of this data directory; those that are missing are made and kept.
fn kept(data: &Path, notes: &mut Vec<String>) -> io::Result<BTreeMap<&'static str, String>> {
    let path = data.join("secrets.toml");
    // Two processes may start together: the one that creates the file writes it.
    match private(&path) {
        Ok(mut file) => {
            let mut text =
                String::from("# Made for development; keep them to keep sign-ins valid.\n");
            for (name, _) in ALL {
                let key: [u8; LEAST_BYTES] = random::bytes();
                let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
                text.push_str(&format!("{name} = \"{hex}\"\n"));
            }
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            notes.push(format!(
                "made secrets for development in {}",
                path.display()
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let table: toml::Table = fs::read_to_string(&path)?
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let value = |name: &str| {
        table
            .get(name)
            .and_then(toml::Value::as_str)
            .map(str::to_owned)
    };
    ALL.iter()
        .map(|(name, _)| {
            let missing = || io::Error::other(format!("{} has no {name}", path.display()));
            value(name).map(|text| (*name, text)).ok_or_else(missing)
        })
        .collect()
}

/// A new file that only its owner reads.
fn private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 3] = [
        "3b1f7a86c9d04e5fa1728394a5b6c7d8",
        "91c2e4d6f8a0b1c3d5e7f9a1b3c5d7e9",
        "5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c",
    ];

    fn problems(jwt: &str, otp: &str, token: &str) -> Vec<String> {
        let given = [
            ("JWT_SECRET", jwt),
            ("OTP_SECRET", otp),
            ("TOKEN_SECRET", token),
        ];
        let given = given
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name, text.to_owned()))
            .collect();
        weak(&given).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn real_keys_must_be_long_unlike_and_nobodys_example() {
        let [a, b, c] = GOOD;
        assert_eq!(problems(a, b, c), Vec::<String>::new());
        assert_eq!(problems("", b, c), ["JWT_SECRET must be set"]);
        assert_eq!(
            problems(a, "short", c),
            ["OTP_SECRET must have at least 32 bytes"]
        );
        assert_eq!(
            problems(a, a, c),
            ["OTP_SECRET must differ from JWT_SECRET"]
        );
        for sample in [
            "change-me-change-me-change-me-change-me",
            "your-jwt-key-goes-here-0123456789ab",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(
                problems(sample, b, c),
                ["JWT_SECRET must not be a sample value"]
            );
        }
        assert_eq!(problems("", "", "").len(), 3);
    }

    #[test]
    fn development_makes_its_keys_once_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut notes = Vec::new();
        let made = kept(folder.path(), &mut notes).unwrap();
        assert_eq!(notes.len(), 1);
        let again = kept(folder.path(), &mut notes).unwrap();
        assert_eq!((made.clone(), 1), (again, notes.len()));
        assert!(weak(&made).is_empty());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let file = fs::metadata(folder.path().join("secrets.toml")).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
    }
}
