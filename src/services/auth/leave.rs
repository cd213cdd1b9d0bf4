//! What the sign-in forgets of a user who leaves.

use async_trait::async_trait;

use super::store;
use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::UserId;
use crate::services::users::Farewell;

/// Forgets the passwords and links of accounts that are closed.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForgetCredentials;

#[async_trait]
impl Farewell for ForgetCredentials {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        store::credentials::forget(tx, user).await?;
        store::links::forget(tx, user).await
    }
}
