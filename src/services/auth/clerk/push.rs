//! Telling Clerk what somebody is here, so that the marketplace's pages can read it from
//! their own tokens.

use serde::{Deserialize, Serialize};

use super::PROVIDER;
use crate::db::{NewJob, Tx};
use crate::kernel::id::UserId;
use crate::kernel::{Error, Result};
use crate::services::auth::{Auth, convert, store};
use crate::services::users;

/// The queue of calls to Clerk.
const QUEUE: &str = "clerk";
/// Clerk may be away for hours.
const TRIES: i32 = 20;
/// The kind of the job.
pub(in crate::services::auth) const PUSH_ROLE: &str = "auth.push-role";

#[derive(Serialize, Deserialize)]
struct Push {
    user: uuid::Uuid,
}

impl Auth {
    /// Lets Clerk know the role and the tier of a user, soon after the commit, if Clerk
    /// knows the user and may be told. Call it in the transaction that changes them.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn push_role(&self, tx: &Tx, user: UserId) -> Result<()> {
        if !self.clerk().is_some_and(|clerk| clerk.has_api()) {
            return Ok(());
        }
        let subjects = store::subjects(tx.conn(), tx.dialect(), PROVIDER, user).await?;
        if !subjects.is_empty() {
            let payload = serde_json::to_string(&Push { user: user.uuid() });
            let payload = payload.map_err(Error::internal)?;
            tx.enqueue(NewJob {
                // Two at once could end with what held before.
                order_key: Some(format!("clerk/{user}")),
                max_attempts: TRIES,
                ..NewJob::new(QUEUE, PUSH_ROLE, payload)
            });
        }
        Ok(())
    }

    /// Tells what holds now, whatever held when the job was made.
    pub(in crate::services::auth) async fn push(&self, payload: &str) -> Result<()> {
        let Push { user } = serde_json::from_str(payload).map_err(Error::internal)?;
        let db = &self.0.db;
        let user = users::find(db.read(), user.into()).await?;
        let (Some(clerk), Some(user)) = (self.clerk(), user) else {
            return Ok(());
        };
        let metadata = convert::metadata_of(&user);
        let id = user.user_id();
        for subject in store::subjects(db.read(), db.dialect(), PROVIDER, id).await? {
            clerk.publish(&subject, &metadata).await?;
        }
        Ok(())
    }
}
