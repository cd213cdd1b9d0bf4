//! The proof of an e-mail address, and the tokens of mails.

use super::link::{self, Link, Purpose};
use super::{Auth, mail, store};
use crate::db::Tx;
use crate::kernel::id::UserId;
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::users::{self, User};

impl Auth {
    /// Sends a link to the caller's address that proves it.
    ///
    /// # Errors
    /// NOTHING_TO_VERIFY, RATE_LIMIT_EXCEEDED; UNAVAILABLE without mail.
    pub(super) async fn request_email_verification(&self, call: &Call) -> Result<()> {
        self.need_mail()?;
        let id = call.user()?;
        let ask = |tx: Tx| async move {
            let user = users::lock(&tx, id).await?;
            let waiting = user.email.filter(|_| !user.email_verified);
            let email = waiting.ok_or_else(|| {
                Error::new(
                    Reason::NothingToVerify,
                    "there is no e-mail address that waits for its proof",
                )
            })?;
            let link = Link {
                user: Some(id),
                ..self.link(call, Purpose::VerifyEmail, &email, tx.now())
            };
            mail::issue(&tx, &link, mail::Kind::Plain).await
        };
        self.0.db.transact(ask).await
    }

    /// Proves an address with the token of a mail, and gives the address. The token is not
    /// spent: to prove the same again changes nothing, so a repeat gets the same answer.
    ///
    /// # Errors
    /// LINK_INVALID_OR_EXPIRED.
    pub(super) async fn verify_email(&self, token: &str) -> Result<String> {
        let (link, user) = self.read_link(Purpose::VerifyEmail, token).await?;
        let (id, link) = (user.user_id(), &link);
        let prove = |tx: Tx| async move {
            let user = self.lock_receiver(&tx, link, id, token).await?;
            users::prove_email(&tx, user).await
        };
        let user = self.0.db.transact(prove).await?;
        user.email.ok_or_else(link::invalid)
    }

    /// The link of a token that still works, and its account.
    ///
    /// # Errors
    /// LINK_INVALID_OR_EXPIRED.
    pub(super) async fn read_link(&self, purpose: Purpose, token: &str) -> Result<(Link, User)> {
        let db = &self.0.db;
        let found = store::links::find_open(db, purpose, link::hash(token)).await?;
        let link = found.ok_or_else(link::invalid)?;
        let user = match link.user {
            Some(user) => users::find(db.read(), user).await?,
            None => None,
        };
        let user = user.filter(|user| self.is_meant(&link, user, token));
        user.map(|user| (link, user)).ok_or_else(link::invalid)
    }

    /// The account of a link, held until commit, if the token still is for it.
    ///
    /// # Errors
    /// LINK_INVALID_OR_EXPIRED.
    pub(super) async fn lock_receiver(
        &self,
        tx: &Tx,
        link: &Link,
        id: UserId,
        token: &str,
    ) -> Result<User> {
        let user = users::lock_open(tx, id).await?;
        let user = user.filter(|user| self.is_meant(link, user, token));
        user.ok_or_else(link::invalid)
    }

    /// Whether the token is for the account as it is now: active, with that address.
    fn is_meant(&self, link: &Link, user: &User, token: &str) -> bool {
        user.is_active && self.0.links.matches(link, user.email.as_deref(), token)
    }
}
