//! Signing in with a password.

use super::attempts::Subject;
use super::prove::invalid_credentials;
use super::session::{Device, Pair};
use super::{Auth, session, store, verify};
use crate::db::Tx;
use crate::kernel::{Call, Result};
use crate::services::users::{self, User};

/// What a client brings to sign in. Not for printing: it holds the password.
pub(super) struct Login {
    pub email: String,
    pub password: String,
    pub device: Option<String>,
}

impl Auth {
    /// Signs in. An unknown address, and an account without a password, take the same
    /// steps and as long as a wrong password.
    ///
    /// # Errors
    /// INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED; ACCOUNT_INACTIVE, which only who knows
    /// the password is told.
    pub(super) async fn login(&self, call: &Call, wish: &Login) -> Result<(User, Pair)> {
        let parts = &self.0;
        let (db, email) = (&parts.db, normal(&wish.email));
        let user = users::find_by_email(db.read(), &email).await?;
        let id = user.map(|user| user.user_id());
        let hash = store::credentials::find(db.read(), db.dialect(), id).await?;
        let subject = Subject::new(parts.keys.of_email(&email), call);
        let (seat, proof) = self.prove(subject, &wish.password, hash.as_deref()).await?;
        let Some(id) = id else {
            return Err(invalid_credentials());
        };
        let newer = match proof.is_old {
            true => Some(parts.hasher.hash(&seat, &wish.password).await?),
            false => None,
        };
        drop(seat);
        let device = &Device::of(call, wish.device.clone());
        let (hash, newer, proof) = (&hash, newer.as_deref(), &proof);
        // The inner result is the answer: the right password takes the failures back,
        // even where the account lets nobody in.
        let enter = |tx: Tx| async move {
            // An account that was closed a moment ago is as unknown as any.
            let user = users::lock_open(&tx, id).await?;
            let user = user.ok_or_else(invalid_credentials)?;
            if store::credentials::find(tx.conn(), tx.dialect(), Some(id)).await? != *hash {
                return Err(invalid_credentials());
            }
            proof.settle(&tx).await?;
            if let Some(newer) = newer {
                store::credentials::put(&tx, id, newer).await?;
            }
            if !user.is_active {
                return Ok(Err(verify::inactive()));
            }
            let pair = session::start(&tx, parts, &user, device).await?;
            Ok(Ok((user, pair)))
        };
        db.transact(enter).await?
    }
}

/// The form in which accounts have their addresses.
pub(super) fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}
