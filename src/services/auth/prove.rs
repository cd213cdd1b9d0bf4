//! Trying a password within the limits.

use super::attempts::{Subject, check};
use super::password::Seat;
use super::{Auth, store};
use crate::db::Tx;
use crate::kernel::{Error, Reason, Result};

/// A right password: its try is to be taken back in the transaction that makes use of it.
#[derive(Debug)]
pub(super) struct Proof {
    /// The hash is to be replaced.
    pub is_old: bool,
    subject: Subject,
    attempt: uuid::Uuid,
}

impl Proof {
    /// Takes the try back, and the failures before it.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn settle(&self, tx: &Tx) -> Result<()> {
        store::attempts::clear(tx, &self.subject, self.attempt).await
    }
}

impl Auth {
    /// Tries a password against a hash, or against nobody's, within the limits. The seat
    /// is the right to hash another one.
    ///
    /// # Errors
    /// INVALID_CREDENTIALS; RATE_LIMIT_EXCEEDED, before the password is looked at;
    /// UNAVAILABLE when too many wait.
    pub(super) async fn prove(
        &self,
        subject: Subject,
        password: &str,
        hash: Option<&str>,
    ) -> Result<(Seat, Proof)> {
        let parts = &self.0;
        // Who is locked out takes no place in the queue. The count that decides is below.
        let now = parts.db.clock().now();
        let tallies = store::attempts::tally(parts.db.read(), parts.db.dialect(), &subject, now);
        check(&tallies.await?, now)?;
        let seat = parts.hasher.seat().await?;
        let subject = &subject;
        let reserve = |tx: Tx| async move {
            store::attempts::lock(&tx, subject).await?;
            let tallies =
                store::attempts::tally(tx.conn(), tx.dialect(), subject, tx.now()).await?;
            check(&tallies, tx.now())?;
            store::attempts::insert(&tx, subject, true).await
        };
        let attempt = parts.db.transact(reserve).await?;
        let found = parts.hasher.verify(&seat, password, hash).await?;
        if !found.is_right {
            let settle = |tx: Tx| async move { store::attempts::fail(&tx, attempt).await };
            parts.db.transact(settle).await?;
            return Err(invalid_credentials());
        }
        let proof = Proof {
            is_old: found.is_old,
            subject: subject.clone(),
            attempt,
        };
        Ok((seat, proof))
    }
}

/// The one refusal of an address or a password, whichever is wrong.
pub(super) fn invalid_credentials() -> Error {
    Error::new(
        Reason::InvalidCredentials,
        "the e-mail address or the password is wrong",
    )
}
