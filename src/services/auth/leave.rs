//! What the sign-in tells the accounts of passwords, and forgets of a user who leaves.

use async_trait::async_trait;

use super::store;
use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::UserId;
use crate::services::users::{Farewell, Passwords};

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

/// Knows who has a password.
pub(super) struct KnownPasswords;

#[async_trait]
impl Passwords for KnownPasswords {
    async fn has_password(&self, tx: &Tx, user: UserId) -> Result<bool> {
        let hash = store::credentials::find(tx.conn(), tx.dialect(), Some(user)).await?;
        Ok(hash.is_some())
    }
}
