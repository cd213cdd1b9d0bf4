//! Webhooks of Clerk: what they change.

use super::{PROVIDER, take_turns};
use crate::clients::clerk::{News, Person};
use crate::clients::svix::Signed;
use crate::db::Tx;
use crate::kernel::{Error, Reason, Result};
use crate::services::auth::Auth;
use crate::services::auth::session::{self, EndReason, Which};
use crate::services::auth::store::{self, Identity};
use crate::services::users;

impl Auth {
    /// Takes a message of Clerk's. It is noted in the same transaction as its effect, so a
    /// repeat has none.
    ///
    /// # Errors
    /// SIGNATURE_INVALID, also where Clerk is off; SIGNATURE_EXPIRED; VALIDATION_ERROR for
    /// a genuine message that cannot be read.
    pub(in crate::services::auth) async fn hear_clerk(&self, message: &Signed<'_>) -> Result<()> {
        let db = &self.0.db;
        let Some(clerk) = self.clerk() else {
            return Err(Error::new(
                Reason::SignatureInvalid,
                "the signature is not valid",
            ));
        };
        clerk.check(message, db.clock().now())?;
        let Some((kind, news)) = News::read(message.body) else {
            tracing::warn!(message.id, "a message of Clerk cannot be read");
            return Err(Error::field("body", "is not a message of Clerk's"));
        };
        let (kind, news) = (&kind, &news);
        let take = |tx: Tx| async move {
            if !tx.is_first(PROVIDER, message.id, kind).await? {
                return Ok(());
            }
            match news {
                News::Changed(person) => self.person_changed(&tx, person).await,
                News::Deleted { subject } => person_deleted(&tx, subject).await,
                News::Other => Ok(()),
            }
        };
        db.transact(take).await
    }

    async fn person_changed(&self, tx: &Tx, person: &Person) -> Result<()> {
        take_turns(tx, &person.subject).await?;
        let identity = store::find_identity(tx, PROVIDER, &person.subject).await?;
        let Some(identity) = identity else {
            return self
                .linked_account(tx, &person.subject, Some(person))
                .await
                .map(drop);
        };
        // Deleted, or gone from here: late news bring nobody back. Older than what is
        // known: the news overtook each other.
        let Some(user) = identity.user.filter(|_| !identity.is_deleted) else {
            return Ok(());
        };
        if person.updated_at < identity.told_at {
            return Ok(());
        }
        let Some(user) = users::lock_open(tx, user).await? else {
            return Ok(());
        };
        users::take_over(tx, &*self.0.pictures, user, &self.told(person)).await?;
        let told = Identity {
            told_at: person.updated_at,
            ..identity
        };
        store::put_identity(tx, PROVIDER, &person.subject, &told).await
    }
}

/// Switches the account off and ends its sessions. The last administrator stays, because
/// nobody could let another one in; only the sessions at Clerk end.
async fn person_deleted(tx: &Tx, subject: &str) -> Result<()> {
    take_turns(tx, subject).await?;
    let identity = store::find_identity(tx, PROVIDER, subject).await?;
    let gone = Identity {
        is_deleted: true,
        ..identity.unwrap_or_default()
    };
    store::put_identity(tx, PROVIDER, subject, &gone).await?;
    let Some(user) = gone.user else {
        return Ok(());
    };
    let Some(account) = users::lock_open(tx, user).await? else {
        return Ok(());
    };
    let which = match users::switch_off(tx, account).await? {
        true => Which::Of(user),
        false => {
            tracing::warn!(user.id = %user, "Clerk deleted the last administrator, whose account stays");
            Which::Provided(user)
        }
    };
    session::end(tx, which, EndReason::AccountClosed)
        .await
        .map(drop)
}
