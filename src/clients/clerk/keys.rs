//! The public keys of Clerk, fetched when they are needed and kept.
//!
//! A key that is not known may be new, so it is looked for; but anybody can name keys that
//! do not exist, so that happens at most once in five minutes, and callers who come
//! together wait for one fetch. While Clerk is away the known keys go on for a day.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::clients::http::Http;
use crate::kernel::signing::CheckingKey;
use crate::kernel::{Error, Result, Time};

/// From one fetch to the next.
const PAUSE: Duration = Duration::from_secs(5 * 60);
/// The first pause when no key was ever fetched; it doubles up to [`PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// When known keys are looked up again, so that a withdrawn one goes.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// When known keys that cannot be looked up are not believed any more.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a fetch may take.
const FETCH_TIME: Duration = Duration::from_secs(3);
/// Keys in a list; Clerk has one or two.
const KEYS_MAX: usize = 50;
/// Letters of a key's name.
const ID_MAX: usize = 128;

/// Knows the keys.
#[derive(Debug)]
pub(super) struct KeySet {
    http: Http,
    url: String,
    kept: RwLock<Arc<Kept>>,
    /// Held while fetching.
    turn: Mutex<Tries>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: HashMap<String, CheckingKey>,
    fetched_at: Time,
}

#[derive(Debug, Default)]
struct Tries {
    last: Option<Time>,
    /// In a row.
    failures: u32,
}

impl Tries {
    /// Whether it is time to fetch.
    fn is_due(&self, now: Time, has_keys: bool) -> bool {
        let pause = match self.failures {
            0 => PAUSE,
            _ if has_keys => PAUSE,
            failures => Ord::min(FIRST_PAUSE * (1 << (failures - 1).min(6)), PAUSE),
        };
        self.last.is_none_or(|last| now.since(last) >= pause)
    }
}

impl Kept {
    fn find(&self, id: &str, now: Time, age_max: Duration) -> Option<CheckingKey> {
        let key = self.keys.get(id)?;
        (now.since(self.fetched_at) <= age_max).then(|| key.clone())
    }
}

impl KeySet {
    pub(super) fn new(http: Http, url: String) -> Self {
        Self {
            http,
            url,
            kept: RwLock::default(),
            turn: Mutex::default(),
        }
    }

    /// The key of this name.
    pub(super) async fn find(&self, id: &str, now: Time) -> Option<CheckingKey> {
        let kept = self.kept();
        if let Some(key) = kept.find(id, now, FRESH) {
            return Some(key);
        }
        if kept.find(id, now, STALE).is_some() {
            // One caller asks anew, the others go on with what is known.
            if let Ok(mut tries) = self.turn.try_lock() {
                self.refresh(&mut tries, now).await;
            }
        } else {
            let mut tries = self.turn.lock().await;
            // Whoever had the turn before may have found it.
            if self.kept().find(id, now, FRESH).is_none() {
                self.refresh(&mut tries, now).await;
            }
        }
        self.kept().find(id, now, STALE)
    }

    fn kept(&self) -> Arc<Kept> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    /// Fetches the list, when it is time. A failure leaves what is known.
    async fn refresh(&self, tries: &mut Tries, now: Time) {
        if !tries.is_due(now, !self.kept().keys.is_empty()) {
            return;
        }
        // Counted as it begins: a caller who goes away in its midst has tried too.
        tries.last = Some(now);
        tries.failures = tries.failures.saturating_add(1);
        match self.fetch().await {
            Ok(keys) => {
                tries.failures = 0;
                let kept = Kept {
                    keys,
                    fetched_at: now,
                };
                *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(kept);
            }
            Err(error) => tracing::warn!(error = ?error, "the keys of Clerk cannot be fetched"),
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, CheckingKey>> {
        let request = self.http.request(Method::GET, &self.url);
        let answer = self.http.send(request.timeout(FETCH_TIME)).await?;
        let odd = |what: &str| {
            Error::unavailable("the identity provider is not available", what.to_owned())
        };
        if answer.status != reqwest::StatusCode::OK {
            return Err(odd(answer.status.as_str()));
        }
        read(&answer.body).ok_or_else(|| odd("its list of keys is not readable"))
    }
}

#[derive(Deserialize)]
struct List {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    kid: String,
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: String,
    e: String,
}

/// The keys of a list that sign by RS256; others are passed over, an endless list refused.
fn read(body: &[u8]) -> Option<HashMap<String, CheckingKey>> {
    let list: List = serde_json::from_slice(body).ok()?;
    if list.keys.len() > KEYS_MAX {
        return None;
    }
    let mut keys = HashMap::new();
    for entry in list.keys {
        if let Some((id, key)) = key(entry) {
            // Two keys of one name: neither can be meant.
            if keys.insert(id.clone(), key).is_some() {
                tracing::warn!(kid = id, "two keys of Clerk have one name");
                return None;
            }
        }
    }
    Some(keys)
}

fn key(entry: Value) -> Option<(String, CheckingKey)> {
    let entry: Entry = serde_json::from_value(entry).ok()?;
    let is_for =
        |said: &Option<String>, word: &str| said.as_deref().is_none_or(|said| said == word);
    let fits = entry.kty == "RSA"
        && is_for(&entry.alg, "RS256")
        && is_for(&entry.purpose, "sig")
        && (1..=ID_MAX).contains(&entry.kid.len());
    let key = fits.then(|| CheckingKey::from_rsa(&entry.kid, &entry.n, &entry.e).ok());
    Some((entry.kid, key.flatten()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kernel::signing::PublicKey;
    use crate::kernel::signing::testing::rsa;

    #[test]
    fn only_sound_keys_of_the_right_kind_are_taken() {
        let pem = rsa();
        let ours = CheckingKey::from_pem(pem.public.as_bytes()).unwrap();
        let Some(PublicKey::Rsa { n, e }) = ours.public() else {
            panic!("not an RSA key");
        };
        let entry = |kid: &str| json!({"kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e});
        let mut odd: Vec<Value> = vec![json!("text"), json!({"kid": "bare"}), json!(null)];
        for (field, value) in [
            ("kty", "EC"),
            ("kty", "oct"),
            ("alg", "HS256"),
            ("alg", "none"),
            ("use", "enc"),
            ("n", "AQAB"),
            ("n", "not base64!"),
            ("kid", ""),
        ] {
            let mut entry = entry(&format!("{field}-{value}"));
            entry[field] = json!(value);
            odd.push(entry);
        }
        odd.push(entry("good"));
        let keys = read(json!({"keys": odd}).to_string().as_bytes()).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["good"]);

        for refused in [
            json!({"keys": vec![entry("a"), entry("a")]}),
            json!({"keys": vec![json!(1); KEYS_MAX + 1]}),
            json!({"keys": "none"}),
            json!([]),
        ] {
            assert!(read(refused.to_string().as_bytes()).is_none(), "{refused}");
        }
        assert!(read(b"<html>").is_none());
    }

    #[test]
    fn tries_are_spaced_and_a_cold_start_tries_sooner() {
        let at = |seconds: u64| Time::default() + Duration::from_secs(seconds);
        let tries = |failures| Tries {
            last: Some(at(0)),
            failures,
        };
        assert!(Tries::default().is_due(at(0), false));
        for (failures, has_keys, pause) in [
            (0, true, 300),
            (0, false, 300),
            (1, true, 300),
            (9, true, 300),
            (1, false, 5),
            (2, false, 10),
            (3, false, 20),
            (7, false, 300),
            (u32::MAX, false, 300),
        ] {
            assert!(
                !tries(failures).is_due(at(pause - 1), has_keys),
                "{failures}"
            );
            assert!(tries(failures).is_due(at(pause), has_keys), "{failures}");
        }
    }
}
