//! What people tell about themselves, and what remains when they leave.

use super::pictures::tell_avatar;
use super::{Neighbours, NewAccount, User, admin, save, store};
use crate::db::Tx;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::phone::Phone;
use crate::kernel::text::change;
use crate::kernel::wilaya::Wilaya;
use crate::kernel::{Error, Result, Role, Time};

/// Changes of a profile: what is present changes, an empty text clears.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub name: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    /// Only where an administrator changes it: owners prove a new one first.
    pub phone: Option<Phone>,
    pub avatar_url: Option<String>,
    pub bio: Option<String>,
    pub wilaya: Option<String>,
    /// Outer: present. Inner: a store, or none any more.
    pub preferred_store: Option<Option<StoreId>>,
}

/// A new account, known by its proven phone alone.
pub(super) fn new(now: Time, phone: &Phone, role: Role) -> User {
    User {
        phone: Some(phone.as_str().to_owned()),
        phone_verified: true,
        ..blank(now, role)
    }
}

/// A new account of which nothing is known.
pub(super) fn blank(now: Time, role: Role) -> User {
    User {
        id: UserId::new(now).uuid(),
        phone: None,
        phone_verified: false,
        email: None,
        email_verified: false,
        name: None,
        first_name: None,
        last_name: None,
        role: role.as_str().to_owned(),
        avatar_url: None,
        bio: None,
        wilaya: None,
        preferred_store_id: None,
        is_active: true,
        version: 1,
        created_at: now.micros(),
        updated_at: now.micros(),
        deleted_at: None,
        seller_category: None,
        is_verified: false,
        former_category: None,
    }
}

/// A new account, known by an e-mail address that is not proven.
pub(super) fn by_email(now: Time, account: &NewAccount) -> User {
    let text = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (first_name, last_name) = (text(&account.first_name), text(&account.last_name));
    let parts: Vec<&str> = [&first_name, &last_name]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    let both = (!parts.is_empty()).then(|| parts.join(" "));
    User {
        phone: account
            .phone
            .as_ref()
            .map(|phone| phone.as_str().to_owned()),
        email: Some(account.email.clone()),
        name: text(&account.name).or(both),
        first_name,
        last_name,
        ..blank(now, account.role)
    }
}

/// Changes a profile, for its owner or for an administrator.
///
/// # Errors
/// EMAIL_TAKEN, PHONE_TAKEN, UNKNOWN_WILAYA, UPLOAD_NOT_FOUND, NOT_FOUND for the preferred
/// store.
pub(super) async fn update(
    tx: &Tx,
    neighbours: &Neighbours,
    by: UserId,
    id: UserId,
    changes: &Changes,
) -> Result<User> {
    let before = store::lock(tx, id).await?;
    if let Some(Some(store)) = changes.preferred_store
        && !neighbours.stores.store_is_known(tx, store).await?
    {
        return Err(Error::not_found("store").at("preferredStoreId"));
    }
    let after = apply(before.clone(), changes)?;
    if after == before {
        return Ok(before);
    }
    let avatar = before.avatar_url.as_deref();
    tell_avatar(tx, &*neighbours.pictures, by, avatar, &after).await?;
    save(tx, after).await
}

/// The account after the changes. A new phone or e-mail address is not proven.
///
/// # Errors
/// UNKNOWN_WILAYA.
pub(super) fn apply(mut user: User, changes: &Changes) -> Result<User> {
    change(&mut user.name, changes.name.as_deref());
    change(&mut user.first_name, changes.first_name.as_deref());
    change(&mut user.last_name, changes.last_name.as_deref());
    change(&mut user.avatar_url, changes.avatar_url.as_deref());
    change(&mut user.bio, changes.bio.as_deref());
    if let Some(text) = changes.wilaya.as_deref() {
        user.wilaya = match text.trim() {
            "" => None,
            named => Some(Wilaya::parse("wilaya", named)?.name.to_owned()),
        };
    }
    if let Some(email) = &changes.email {
        let email = Some(email.trim().to_lowercase());
        if email != user.email {
            user.email = email;
            user.email_verified = false;
        }
    }
    if let Some(phone) = &changes.phone
        && user.phone.as_deref() != Some(phone.as_str())
    {
        user.phone = Some(phone.as_str().to_owned());
        user.phone_verified = false;
    }
    if let Some(store) = changes.preferred_store {
        user.preferred_store_id = store.map(StoreId::uuid);
    }
    Ok(user)
}

/// Closes the account: nothing personal remains, here or in the services that kept
/// something of the user's.
///
/// # Errors
/// LAST_ADMIN, USER_HAS_OPEN_ORDERS, USER_HAS_OPEN_OFFERS.
pub(super) async fn close(tx: &Tx, neighbours: &Neighbours, id: UserId) -> Result<()> {
    let user = store::lock(tx, id).await?;
    admin::keep_an_admin(tx, &user).await?;
    let waits = "the account can be closed";
    neighbours.open.require_no_orders(tx, id, waits).await?;
    neighbours.open.require_no_offers(tx, id, waits).await?;
    store::delete_addresses(tx, id).await?;
    for service in &neighbours.farewells {
        service.user_leaves(tx, id).await?;
    }
    let avatar = user.avatar_url.clone();
    let closed = forgotten(user, tx.now());
    tell_avatar(tx, &*neighbours.pictures, id, avatar.as_deref(), &closed).await?;
    save(tx, closed).await.map(drop)
}

fn forgotten(user: User, now: Time) -> User {
    User {
        id: user.id,
        phone: None,
        phone_verified: false,
        email: None,
        email_verified: false,
        name: None,
        first_name: None,
        last_name: None,
        role: user.role,
        avatar_url: None,
        bio: None,
        wilaya: None,
        preferred_store_id: None,
        is_active: false,
        version: user.version,
        created_at: user.created_at,
        updated_at: user.updated_at,
        deleted_at: Some(now.micros()),
        seller_category: None,
        is_verified: false,
        former_category: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Reason;

    fn user() -> User {
        let phone = Phone::parse("0551234567", None).unwrap();
        new(Time::from_micros(1_000), &phone, Role::Customer)
    }

    #[test]
    fn what_is_present_changes_and_an_empty_text_clears() {
        let named = User {
            name: Some("Amina".to_owned()),
            bio: Some("Sells honey".to_owned()),
            ..user()
        };
        let changes = Changes {
            name: Some("  Amina B. ".to_owned()),
            bio: Some(String::new()),
            wilaya: Some("wahran".to_owned()),
            ..Changes::default()
        };
        let after = apply(named.clone(), &changes);
        // An unknown spelling is refused as a whole.
        assert_eq!(
            after.map_err(|error| error.reason()),
            Err(Reason::UnknownWilaya)
        );
        let after = apply(
            named,
            &Changes {
                wilaya: Some("31".to_owned()),
                ..changes
            },
        )
        .unwrap();
        assert_eq!(after.name.as_deref(), Some("Amina B."));
        assert_eq!(after.bio, None);
        assert_eq!(after.wilaya.as_deref(), Some("Oran"));
    }

    #[test]
    fn a_new_email_is_lower_case_and_not_proven() {
        let proven = User {
            email: Some("amina@example.dz".to_owned()),
            email_verified: true,
            ..user()
        };
        let same = Changes {
            email: Some("Amina@Example.dz".to_owned()),
            ..Changes::default()
        };
        assert!(apply(proven.clone(), &same).unwrap().email_verified);
        let other = Changes {
            email: Some("B@Example.dz".to_owned()),
            ..Changes::default()
        };
        let after = apply(proven, &other).unwrap();
        assert_eq!(after.email.as_deref(), Some("b@example.dz"));
        assert!(!after.email_verified);
    }

    #[test]
    fn a_new_phone_is_not_proven() {
        let phone = |text: &str| Changes {
            phone: Some(Phone::parse(text, None).unwrap()),
            ..Changes::default()
        };
        let same = apply(user(), &phone("+213 551 23 45 67")).unwrap();
        assert_eq!(same.phone, user().phone);
        assert!(same.phone_verified);
        let other = apply(user(), &phone("0661234567")).unwrap();
        assert_eq!(other.phone.as_deref(), Some("+213661234567"));
        assert!(!other.phone_verified);
    }

    #[test]
    fn a_name_that_is_not_told_is_made_of_its_parts() {
        let account = NewAccount {
            email: "amina@example.dz".to_owned(),
            name: Some("  ".to_owned()),
            first_name: Some(" Amina ".to_owned()),
            last_name: Some("Benali".to_owned()),
            phone: None,
            role: Role::Customer,
        };
        let user = by_email(Time::from_micros(1_000), &account);
        assert_eq!(user.name.as_deref(), Some("Amina Benali"));
        assert_eq!(user.first_name.as_deref(), Some("Amina"));
        let named = NewAccount {
            name: Some("Mina".to_owned()),
            ..account.clone()
        };
        let named = by_email(Time::from_micros(1_000), &named);
        assert_eq!(named.name.as_deref(), Some("Mina"));
        let nameless = NewAccount {
            first_name: None,
            last_name: None,
            ..account
        };
        assert_eq!(by_email(Time::from_micros(1_000), &nameless).name, None);
    }

    #[test]
    fn a_closed_account_keeps_its_id_and_role_alone() {
        let closed = forgotten(user(), Time::from_micros(2_000));
        assert_eq!((closed.phone, closed.is_active), (None, false));
        assert_eq!(closed.deleted_at, Some(2_000));
        assert_eq!(closed.role, "CUSTOMER");
    }
}
