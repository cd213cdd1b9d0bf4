//! Hashing passwords: Argon2id, on threads of its own, a few at a time.
//!
//! A hash takes a core for tens of milliseconds and 19 MiB, so it never runs where calls
//! are served, and only so many run at once; others wait in a queue that has an end.
//! Nothing here touches the database: nobody hashes while a transaction is open.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::kernel::{Error, Reason, Result, random};

/// What OWASP asks of Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How every hash of today begins.
const TODAY: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// How many wait per hash that runs. At some 30 ms each, the last one waits about as long
/// as a call may take.
const QUEUE: usize = 256;

/// Makes and checks hashes.
#[derive(Debug)]
pub(super) struct Hasher {
    queue: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// The memory of hashes that do not run: it is used again, because allocators keep what
    /// so many threads give back.
    spare: Arc<Spare>,
    /// The hash of no password, for accounts that have none.
    nobody: String,
}

/// The right to hash. It is kept until the last hash under it is done.
#[derive(Debug, Clone)]
pub(super) struct Seat(#[expect(dead_code, reason = "held, not read")] Arc<Permits>);

type Spare = Mutex<Vec<Vec<Block>>>;
type Permits = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// How a password compares with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// The password is right.
    pub is_right: bool,
    /// The hash is not of today's making.
    pub is_old: bool,
}

impl Hasher {
    /// Runs at most so many hashes at once; unset, half as many as there are cores.
    pub(super) fn new(parallel: Option<usize>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let parallel = parallel.unwrap_or(cores / 2).max(1);
        let (salt, output): ([u8; 16], [u8; 32]) = (random::bytes(), random::bytes());
        Self {
            queue: Arc::new(Semaphore::new(parallel * (QUEUE + 1))),
            running: Arc::new(Semaphore::new(parallel)),
            spare: Arc::default(),
            nobody: phc(&salt, &output),
        }
    }

    /// Waits for the right to hash.
    ///
    /// # Errors
    /// UNAVAILABLE when too many wait.
    pub(super) async fn seat(&self) -> Result<Seat> {
        let full = |_| {
            Error::new(
                Reason::Unavailable,
                "too many passwords are being checked, try again",
            )
            .retry_after(Duration::from_secs(2))
        };
        let place = self.queue.clone().try_acquire_owned().map_err(full)?;
        let turn = self.running.clone().acquire_owned().await;
        Ok(Seat(Arc::new((place, turn.map_err(Error::internal)?))))
    }

    /// Compares a password with a hash, or, for as long as that takes, with the hash of
    /// nobody.
    ///
    /// # Errors
    /// INTERNAL when the hash is none.
    pub(super) async fn verify(
        &self,
        seat: &Seat,
        password: &str,
        hash: Option<&str>,
    ) -> Result<Match> {
        let (password, exists) = (password.to_owned(), hash.is_some());
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let found = self
            .run(seat, move |memory| matches(&password, &hash, memory))
            .await?;
        Ok(Match {
            is_right: exists && found.is_right,
            ..found
        })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// INTERNAL when it cannot be made.
    pub(super) async fn hash(&self, seat: &Seat, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.run(seat, move |memory| {
            let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(broken)?;
            let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let (salt, mut output): ([u8; 16], [u8; 32]) = (random::bytes(), [0; 32]);
            fill(&argon, &password, &salt, &mut output, memory)?;
            Ok(phc(&salt, &output))
        })
        .await
    }

    /// Runs work on a blocking thread, with memory for it. The seat goes along, so that a
    /// caller who gives up does not free it early.
    async fn run<T: Send + 'static>(
        &self,
        seat: &Seat,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (seat, spare) = (seat.clone(), self.spare.clone());
        let work = tokio::task::spawn_blocking(move || {
            let spare = || spare.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = spare().pop().unwrap_or_default();
            let done = work(&mut memory);
            spare().push(memory);
            drop(seat);
            done
        });
        work.await.map_err(Error::internal)?
    }
}

/// One run of Argon2.
fn fill(
    argon: &Argon2<'_>,
    password: &str,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<()> {
    memory.resize(argon.params().block_count(), Block::default());
    argon
        .hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
        .map_err(broken)
}

/// A hash of today's making as it is stored, in the form of the password hashing
/// competition.
fn phc(salt: &[u8], output: &[u8]) -> String {
    let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    format!("{TODAY}{}${}", text(salt), text(output))
}

/// Argon2's own hashes, and those of bcrypt, which other systems bring along.
fn matches(password: &str, hash: &str, memory: &mut Vec<Block>) -> Result<Match> {
    let is_right = if hash.starts_with("$2") {
        bcrypt::verify(password, hash).map_err(broken)?
    } else {
        is_of(password, &PasswordHash::new(hash).map_err(broken)?, memory)?
    };
    Ok(Match {
        is_right,
        is_old: !hash.starts_with(TODAY),
    })
}

/// Whether an Argon2 hash, with whatever costs it was made, is of this password.
fn is_of(password: &str, hash: &PasswordHash, memory: &mut Vec<Block>) -> Result<bool> {
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
        return Err(broken("a hash without salt or output"));
    };
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(broken)?;
    let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from);
    let params = Params::try_from(hash).map_err(broken)?;
    let argon = Argon2::new(algorithm, version.map_err(broken)?, params);
    let mut output = vec![0; expected.len()];
    fill(&argon, password, salt, &mut output, memory)?;
    Ok(bool::from(output.ct_eq(expected.as_bytes())))
}

/// The libraries' errors name no password, but are no errors of the standard kind.
fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_of_one_password_and_says_how_it_was_made() {
        let hasher = Hasher::new(Some(1));
        let seat = hasher.seat().await.unwrap();
        let hash = hasher.hash(&seat, "SecurePass123!").await.unwrap();
        assert!(hash.starts_with(TODAY), "{hash}");
        assert_eq!(hash.len(), 97);
        let again = hasher.hash(&seat, "SecurePass123!").await.unwrap();
        assert_ne!(hash, again);
        let right = hasher.verify(&seat, "SecurePass123!", Some(&hash)).await;
        let right = right.unwrap();
        assert_eq!((right.is_right, right.is_old), (true, false));
        let wrong = hasher.verify(&seat, "SecurePass123?", Some(&hash)).await;
        assert!(!wrong.unwrap().is_right);
    }

    #[tokio::test]
    async fn a_hash_of_bcrypt_is_read_and_known_to_be_old() {
        let hasher = Hasher::new(Some(1));
        let seat = hasher.seat().await.unwrap();
        let parts = bcrypt::hash_with_salt("SecurePass123!", 4, [7; 16]).unwrap();
        for version in [
            bcrypt::Version::TwoA,
            bcrypt::Version::TwoB,
            bcrypt::Version::TwoY,
        ] {
            let hash = parts.format_for_version(version);
            let found = hasher.verify(&seat, "SecurePass123!", Some(&hash)).await;
            let right = Match {
                is_right: true,
                is_old: true,
            };
            assert_eq!(found.unwrap(), right);
            let wrong = hasher.verify(&seat, "securePass123!", Some(&hash)).await;
            assert!(!wrong.unwrap().is_right);
        }
    }

    #[tokio::test]
    async fn no_password_is_right_where_there_is_none() {
        let hasher = Hasher::new(Some(1));
        let seat = hasher.seat().await.unwrap();
        for password in ["", "SecurePass123!"] {
            let found = hasher.verify(&seat, password, None).await.unwrap();
            assert!(!found.is_right);
        }
        // The hash of nobody is a hash as good as any: checking it takes as long.
        assert!(
            !matches("x", &hasher.nobody, &mut Vec::new())
                .unwrap()
                .is_old
        );
    }

    #[tokio::test]
    async fn those_who_wait_have_an_end() {
        let hasher = Hasher::new(Some(1));
        let first = hasher.seat().await.unwrap();
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(hasher.seat())).collect();
        for seat in &mut waiting {
            let pending = futures_util::poll!(seat.as_mut());
            assert!(pending.is_pending());
        }
        let refused = hasher.seat().await.unwrap_err();
        assert_eq!(refused.reason(), Reason::Unavailable);
        assert!(refused.retry_delay().is_some());
        drop(first);
        assert!(waiting.remove(0).await.is_ok());
    }
}
