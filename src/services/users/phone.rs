//! Who has a phone.

use super::{User, save, store};
use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::UserId;
use crate::kernel::phone::Phone;

/// Gives an account a phone that its owner has just proven. An account that has only
/// named the phone loses it; nothing happens, and nobody is given, when another has
/// proven it, or has nothing else to be known by. Holds the rows until commit.
///
/// # Errors
/// NOT_FOUND when the account is closed; PHONE_TAKEN when somebody signs up with the
/// phone at this moment.
pub async fn take_phone(tx: &Tx, id: UserId, phone: &Phone) -> Result<Option<User>> {
    let (user, holder) = store::lock_with_holder(tx, id, phone).await?;
    if let Some(holder) = holder {
        if holder.phone_verified || holder.email.is_none() {
            return Ok(None);
        }
        let without = User {
            phone: None,
            phone_verified: false,
            ..holder
        };
        save(tx, without).await?;
    }
    let with = User {
        phone: Some(phone.as_str().to_owned()),
        phone_verified: true,
        ..user.clone()
    };
    if with == user {
        return Ok(Some(user));
    }
    save(tx, with).await.map(Some)
}
