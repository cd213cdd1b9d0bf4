//! A new password: by who knows the last one, or by who receives the account's mail.

use super::attempts::{Account, Subject};
use super::link::{self, Link, Purpose};
use super::prove::invalid_credentials;
use super::session::{EndReason, Which};
use super::{Auth, login, mail, session, store, strength};
use crate::db::Tx;
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::{Call, Error, Result};
use crate::services::users::{self, User};

/// The field that new passwords arrive in.
const FIELD: &str = "newPassword";

impl Auth {
    /// Changes the password of the caller, or sets the first one, and ends the caller's
    /// other sessions. Says how many.
    ///
    /// # Errors
    /// VALIDATION_ERROR for the new password; INVALID_CREDENTIALS and RATE_LIMIT_EXCEEDED
    /// for the current one.
    pub(super) async fn change_password(
        &self,
        call: &Call,
        (id, own): (UserId, SessionId),
        current: Option<&str>,
        new: &str,
    ) -> Result<usize> {
        let (parts, db) = (&self.0, &self.0.db);
        let user = users::find(db.read(), id).await?;
        let user = user.ok_or_else(|| Error::not_found("user"))?;
        strength::check(FIELD, new, user.email.as_deref())?;
        let last = store::credentials::find(db.read(), db.dialect(), Some(id)).await?;
        let (seat, proof) = match (&last, current.filter(|text| !text.is_empty())) {
            (None, None) => (parts.hasher.seat().await?, None),
            (Some(last), Some(current)) => {
                let subject = Subject::new(self.account_of(&user), call);
                let (seat, proof) = self.prove(subject, current, Some(last)).await?;
                (seat, Some(proof))
            }
            _ => return Err(invalid_credentials()),
        };
        let hash = &parts.hasher.hash(&seat, new).await?;
        drop(seat);
        let (last, proof) = (&last, proof.as_ref());
        let change = |tx: Tx| async move {
            users::lock(&tx, id).await?;
            if store::credentials::find(tx.conn(), tx.dialect(), Some(id)).await? != *last {
                return Err(invalid_credentials());
            }
            store::credentials::put(&tx, id, hash).await?;
            if let Some(proof) = proof {
                proof.settle(&tx).await?;
            }
            store::links::void(&tx, id, Purpose::ResetPassword).await?;
            session::end(&tx, Which::Others(id, own), EndReason::PasswordChanged).await
        };
        db.transact(change).await
    }

    fn account_of(&self, user: &User) -> Account {
        match &user.email {
            Some(email) => self.0.keys.of_email(email),
            None => self.0.keys.of_user(user.user_id()),
        }
    }

    /// Sends a link for a new password to an address, if it has an account.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED; UNAVAILABLE without mail.
    pub(super) async fn request_password_reset(&self, call: &Call, email: &str) -> Result<()> {
        self.need_mail()?;
        let email = &login::normal(email);
        let ask = |tx: Tx| async move {
            let link = Link {
                address: Some(email.clone()),
                ..self.link(call, Purpose::ResetPassword, email, tx.now())
            };
            mail::issue(&tx, &link, mail::Kind::Plain).await
        };
        self.0.db.transact(ask).await
    }

    /// Sets a new password with the token of a mail, which also proves the address, and
    /// ends every session. Says how many. Lockouts end too: their owner is back.
    ///
    /// # Errors
    /// VALIDATION_ERROR for the new password; LINK_INVALID_OR_EXPIRED.
    pub(super) async fn reset_password(&self, token: &str, new: &str) -> Result<usize> {
        let (parts, db) = (&self.0, &self.0.db);
        strength::check(FIELD, new, None)?;
        let (link, user) = self.read_link(Purpose::ResetPassword, token).await?;
        strength::check(FIELD, new, user.email.as_deref())?;
        let seat = parts.hasher.seat().await?;
        let hash = &parts.hasher.hash(&seat, new).await?;
        drop(seat);
        let (id, link) = (user.user_id(), &link);
        let reset = |tx: Tx| async move {
            let user = self.lock_receiver(&tx, link, id, token).await?;
            if !store::links::consume(&tx, link.id).await? {
                return Err(link::invalid());
            }
            store::credentials::put(&tx, id, hash).await?;
            store::links::void(&tx, id, Purpose::ResetPassword).await?;
            store::attempts::forget(&tx, &self.account_of(&user)).await?;
            users::prove_email(&tx, user).await?;
            session::end(&tx, Which::Of(id), EndReason::PasswordChanged).await
        };
        db.transact(reset).await
    }
}
