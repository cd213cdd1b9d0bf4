//! Queries on accounts for those whom an identity provider knows.

use sea_orm::QuerySelect;

use super::of_email;
use crate::db::Tx;
use crate::kernel::Result;
use crate::services::users::User;

/// The open account of an e-mail address in lower case. Holds its row until commit.
pub(in crate::services::users) async fn lock_by_email(
    tx: &Tx,
    email: &str,
) -> Result<Option<User>> {
    Ok(of_email(email).lock_exclusive().one(tx.conn()).await?)
}
