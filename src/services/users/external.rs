//! Accounts of people whom an identity provider vouches for. Who such a person is stays
//! with `auth`; here is what becomes of what the provider tells.

use std::time::Duration;

use super::pictures::{Pictures, tell_avatar};
use super::{User, admin, changed, profile, save, store};
use crate::db::Tx;
use crate::kernel::phone::Phone;
use crate::kernel::text::change;
use crate::kernel::{Error, Reason, Result, Role};

/// When it makes sense to come again after somebody else was faster.
const RETRY: Duration = Duration::from_millis(100);

/// What a provider tells of a person; what is missing changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The e-mail address, in lower case.
    pub email: Option<String>,
    /// The provider has seen that the address is the person's.
    pub email_verified: bool,
    /// A phone of which the provider has seen that it is the person's.
    pub phone: Option<Phone>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// A picture.
    pub avatar_url: Option<String>,
}

/// The account that an address belongs to of which the provider has seen that it is the
/// person's, held until commit.
///
/// An account that only claims the address, and whose phone somebody has proven, is that
/// somebody's: the person gets another one.
///
/// # Errors
/// Those of the database.
pub async fn account_of_proven_email(tx: &Tx, told: &Told) -> Result<Option<User>> {
    let Some(email) = told.email.as_deref().filter(|_| told.email_verified) else {
        return Ok(None);
    };
    let user = store::lock_by_email(tx, email).await?;
    Ok(user.filter(|user| user.email_verified || !user.phone_verified))
}

/// A new account of a customer, with what the provider tells.
///
/// # Errors
/// Those of the database.
pub async fn open_account(tx: &Tx, pictures: &dyn Pictures, told: &Told) -> Result<User> {
    let blank = profile::blank(tx.now(), Role::Customer);
    let user = with(tx, blank, told).await?;
    if !store::insert(tx, &user).await? {
        // The address or the phone was taken a moment ago: the caller comes again.
        let taken = "a concurrent change got in the way, try again";
        return Err(Error::new(Reason::Conflict, taken).retry_after(RETRY));
    }
    tell_avatar(tx, pictures, user.user_id(), None, &user).await?;
    changed(tx, &user, "user.created");
    Ok(user)
}

/// Writes what the provider tells into a held account. The role stays.
///
/// # Errors
/// EMAIL_TAKEN when the address was taken a moment ago.
pub async fn take_over(tx: &Tx, pictures: &dyn Pictures, user: User, told: &Told) -> Result<User> {
    let after = with(tx, user.clone(), told).await?;
    if after == user {
        return Ok(user);
    }
    let avatar = user.avatar_url.as_deref();
    tell_avatar(tx, pictures, user.user_id(), avatar, &after).await?;
    save(tx, after).await
}

/// Switches a held account off, unless it is the last active administrator's. Says whether
/// it is off.
///
/// # Errors
/// Those of the database.
pub async fn switch_off(tx: &Tx, user: User) -> Result<bool> {
    if !user.is_active {
        return Ok(true);
    }
    if user.role() == Role::Admin {
        tx.take_turns(admin::TURN).await?;
        if !store::has_admin_besides(tx, user.user_id()).await? {
            return Ok(false);
        }
    }
    let off = User {
        is_active: false,
        ..user
    };
    save(tx, off).await.map(|_| true)
}

/// The account with what is told. An address or a phone of another account stays there.
async fn with(tx: &Tx, mut user: User, told: &Told) -> Result<User> {
    if let Some(email) = &told.email
        && takes_email(&user, email, told.email_verified)
    {
        let owner = store::find_by_email(tx.conn(), email).await?;
        if owner.is_some_and(|owner| owner.id != user.id) {
            tracing::warn!(user.id = %user.user_id(), "an e-mail address of another account is left there");
        } else {
            user.email = Some(email.clone());
            user.email_verified = told.email_verified;
        }
    }
    // A phone signs in by itself here, so one that was proven here stays.
    if let Some(phone) = &told.phone
        && !user.phone_verified
    {
        let owner = store::find_by_phone(tx.conn(), phone).await?;
        if owner.is_some_and(|owner| owner.id != user.id) {
            tracing::warn!(user.id = %user.user_id(), "a phone of another account is left there");
        } else {
            user.phone = Some(phone.as_str().to_owned());
            user.phone_verified = true;
        }
    }
    change(&mut user.first_name, told.first_name.as_deref());
    change(&mut user.last_name, told.last_name.as_deref());
    change(&mut user.avatar_url, told.avatar_url.as_deref());
    let names = [told.first_name.as_deref(), told.last_name.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    if !names.is_empty() {
        user.name = Some(names.join(" "));
    }
    Ok(user)
}

/// A proven address takes the place of any other; an unproven one only an empty place. The
/// same address may become proven and does not cease to be.
fn takes_email(user: &User, email: &str, verified: bool) -> bool {
    match &user.email {
        None => true,
        Some(present) if present == email => verified && !user.email_verified,
        Some(_) => verified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Time;

    #[test]
    fn a_proven_address_wins_and_is_not_lost() {
        let with = |email: Option<&str>, email_verified| User {
            email: email.map(str::to_owned),
            email_verified,
            ..profile::blank(Time::default(), Role::Customer)
        };
        let cases = [
            (None, false, false, true),
            (None, false, true, true),
            (Some("a@x.dz"), false, true, true),
            (Some("a@x.dz"), true, true, false),
            (Some("a@x.dz"), true, false, false),
            (Some("b@x.dz"), true, false, false),
            (Some("b@x.dz"), false, false, false),
            (Some("b@x.dz"), true, true, true),
        ];
        for (present, proven, told, expected) in cases {
            let user = with(present, proven);
            assert_eq!(
                takes_email(&user, "a@x.dz", told),
                expected,
                "{present:?} {proven} {told}"
            );
        }
    }
}
