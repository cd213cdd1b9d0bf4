//! What administrators do with accounts. The last active one of them stays.

use super::pictures::tell_avatar;
use super::profile::{self, Changes};
use super::roles::{self, SellerCategory};
use super::{Neighbours, SignOut, User, changed, save, save_in_tier, store};
use crate::db::{Db, Tx};
use crate::kernel::id::UserId;
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::phone::Phone;
use crate::kernel::{Error, Reason, Result, Role};

/// Administrators who would leave take turns under this key.
pub(super) const TURN: &str = "admins";

/// How to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contact {
    Phone(Phone),
    /// In lower case.
    Email(String),
}

/// Which accounts.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub role: Option<Role>,
    pub category: Option<SellerCategory>,
    pub is_active: Option<bool>,
    pub contact: Option<Contact>,
}

/// A new account. Phone and e-mail address stand in the changes, not proven.
#[derive(Debug)]
pub(super) struct NewAccount {
    pub role: Role,
    pub category: Option<SellerCategory>,
    pub changes: Changes,
}

/// A page of the accounts, the newest first.
pub(super) async fn list(db: &Db, filter: &Filter, page: &PageRequest) -> Result<Page<User>> {
    let (rows, total) = store::lists::users(db.read(), db.dialect(), filter, page).await?;
    Ok(page.finish(rows, total, |last| last.id.as_bytes().to_vec()))
}

/// Opens an account for somebody.
///
/// # Errors
/// VALIDATION_ERROR without phone and e-mail address, and for a tier of somebody who does
/// not sell; UNKNOWN_WILAYA, PHONE_TAKEN, EMAIL_TAKEN, UPLOAD_NOT_FOUND.
pub(super) async fn create(
    tx: &Tx,
    neighbours: &Neighbours,
    by: UserId,
    new: &NewAccount,
) -> Result<User> {
    if new.category.is_some() && new.role != Role::StoreOwner {
        return Err(roles::only_sellers());
    }
    let blank = roles::with_category(profile::blank(tx.now(), new.role), new.category);
    let user = profile::apply(blank, &new.changes)?;
    if user.phone.is_none() && user.email.is_none() {
        return Err(Error::field(
            "phone",
            "is required where there is no e-mail address",
        ));
    }
    if store::insert(tx, &user).await? {
        tell_avatar(tx, &*neighbours.pictures, by, None, &user).await?;
        changed(tx, &user, "user.created");
        return Ok(user);
    }
    // Whoever has it has committed, so it can be seen now.
    match &new.changes.phone {
        Some(phone) if store::find_by_phone(tx.conn(), phone).await?.is_some() => {
            Err(store::phone_taken())
        }
        _ => Err(store::email_taken()),
    }
}

/// Gives the account another role and signs its owner out.
///
/// # Errors
/// NOT_FOUND, LAST_ADMIN, USER_HAS_OPEN_ORDERS, USER_HAS_OPEN_OFFERS.
pub(super) async fn set_role(
    tx: &Tx,
    neighbours: &Neighbours,
    id: UserId,
    role: Role,
) -> Result<User> {
    let user = store::lock(tx, id).await?;
    if user.role() == role {
        return Ok(user);
    }
    keep_an_admin(tx, &user).await?;
    roles::may_stop_selling(tx, &neighbours.open, &user, role).await?;
    sign_out(tx, neighbours, id, SignOut::RoleChanged).await?;
    let before = user.seller_category();
    save_in_tier(tx, roles::with_role(user, role), before).await
}

/// Switches the account off and signs its owner out.
///
/// # Errors
/// NOT_FOUND, LAST_ADMIN.
pub(super) async fn deactivate(tx: &Tx, neighbours: &Neighbours, id: UserId) -> Result<User> {
    let user = store::lock(tx, id).await?;
    if !user.is_active {
        return Ok(user);
    }
    keep_an_admin(tx, &user).await?;
    sign_out(tx, neighbours, id, SignOut::Deactivated).await?;
    let off = User {
        is_active: false,
        ..user
    };
    save(tx, off).await
}

/// Switches the account on.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn activate(tx: &Tx, id: UserId) -> Result<User> {
    let user = store::lock(tx, id).await?;
    if user.is_active {
        return Ok(user);
    }
    let on = User {
        is_active: true,
        ..user
    };
    save(tx, on).await
}

/// Puts a seller into a tier, or takes the seller out of it.
///
/// # Errors
/// NOT_FOUND; ROLE_NOT_ALLOWED for an account that is no seller's; USER_HAS_OPEN_OFFERS.
pub(super) async fn set_category(
    tx: &Tx,
    neighbours: &Neighbours,
    id: UserId,
    category: Option<SellerCategory>,
) -> Result<User> {
    let user = store::lock(tx, id).await?;
    if user.role() != Role::StoreOwner {
        let refused = Error::new(Reason::RoleNotAllowed, "only a seller has a tier");
        return Err(refused.with("role", user.role().as_str()));
    }
    let before = user.seller_category();
    if before == category {
        return Ok(user);
    }
    let open = &neighbours.open;
    open.require_no_offers(tx, id, "the tier can change")
        .await?;
    // What was before counts no longer: an administrator has decided.
    let moved = User {
        former_category: None,
        ..roles::with_category(user, category)
    };
    save_in_tier(tx, moved, before).await
}

/// Marks a seller as verified, or no longer so.
///
/// # Errors
/// NOT_FOUND; SELLER_CATEGORY_REQUIRED for a seller without a tier.
pub(super) async fn verify(tx: &Tx, id: UserId, is_verified: bool) -> Result<User> {
    let user = store::lock(tx, id).await?;
    if user.seller_category().is_none() {
        return Err(roles::category_required(
            "only a seller with a tier is verified",
        ));
    }
    if user.is_verified == is_verified {
        return Ok(user);
    }
    let marked = User {
        is_verified,
        ..user
    };
    save(tx, marked).await
}

/// Refuses to let the last active administrator go. Those who would leave take turns
/// after each has locked the own row, so that of two who leave at once the second sees
/// that the first is gone.
///
/// # Errors
/// LAST_ADMIN.
pub(super) async fn keep_an_admin(tx: &Tx, leaving: &User) -> Result<()> {
    if leaving.role() != Role::Admin || !leaving.is_active {
        return Ok(());
    }
    tx.take_turns(TURN).await?;
    if store::has_admin_besides(tx, leaving.user_id()).await? {
        return Ok(());
    }
    Err(Error::new(
        Reason::LastAdmin,
        "no other active administrator would remain",
    ))
}

async fn sign_out(tx: &Tx, neighbours: &Neighbours, id: UserId, why: SignOut) -> Result<()> {
    neighbours.sessions.sign_out(tx, id, why).await
}
