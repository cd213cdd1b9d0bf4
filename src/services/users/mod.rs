//! People's accounts, what they tell about themselves, and their address books.
//!
//! Holds:
//! - a phone, and an e-mail address in any case, belongs to one open account;
//! - an address book that is not empty has exactly one default;
//! - a closed account keeps nothing personal, and none of its sessions lives on;
//! - only a seller has a tier, and only who has a tier is verified;
//! - once there is an active administrator, there always is one.
//!
//! It does not prove who someone is (that is `auth`) and does not know stores or orders:
//! what it must ask of them stands in [`Neighbours`].

mod addresses;
mod admin;
mod convert;
mod entity;
mod entry;
mod external;
mod grpc;
mod open;
mod phone;
mod pictures;
mod profile;
mod roles;
mod store;
mod tiers;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::db::{Conn, Db, NewEvent, Seen, Tx};
use crate::kernel::id::{AddressId, StoreId, UserId};
use crate::kernel::phone::Phone;
use crate::kernel::seal::Sealer;
use crate::kernel::{Code, Result, Role};

pub use convert::{category_from_pb, role_from_pb, user_to_pb};
pub use entity::address::Model as Address;
pub use entity::user::Model as User;
pub use entry::{
    NewAccount, Passwords, create, email_taken, find_by_email, find_or_create_by_phone, has_admin,
    hold, lock, lock_open, prove_email,
};
pub use external::{Told, account_of_proven_email, open_account, switch_off, take_over};
pub use open::{Open, OpenOffers, OpenOrders};
pub use phone::take_phone;
#[cfg(test)]
pub use pictures::NoPictures;
pub use pictures::{Pictures, Showing};
pub use roles::{SellerCategory, choose_role};
pub use tiers::Tiers;

/// A service that keeps something of a user's.
#[async_trait]
pub trait Farewell: Send + Sync {
    /// Lets go of it, in the transaction that closes the account.
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()>;
}

/// Why somebody is signed out everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOut {
    /// The account has another role.
    RoleChanged,
    /// The account was switched off.
    Deactivated,
}

/// The sign-in, which can take back what it gave.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Ends every session of the user, in the transaction of the change that asks for it.
    async fn sign_out(&self, tx: &Tx, user: UserId, why: SignOut) -> Result<()>;
}

/// Which stores there are.
#[async_trait]
pub trait KnownStores: Send + Sync {
    /// Whether there is such a store and everyone may know of it.
    async fn store_is_known(&self, tx: &Tx, store: StoreId) -> Result<bool>;
}

/// What the accounts ask of the services to their right.
#[derive(Clone)]
pub struct Neighbours {
    /// What is open of a user's.
    pub open: Open,
    /// Kept by the stores.
    pub stores: Arc<dyn KnownStores>,
    /// Kept by the sign-in.
    pub sessions: Arc<dyn Sessions>,
    /// Kept by the files.
    pub pictures: Arc<dyn Pictures>,
    /// Those who let go of a user, each after those to its left.
    pub farewells: Vec<Arc<dyn Farewell>>,
}

/// The service of accounts. Clones share it.
#[derive(Clone)]
pub struct Users(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    neighbours: Neighbours,
    phone_country: Option<String>,
}

impl Users {
    /// The service; `sealer` makes its page tokens, `phone_country` is the calling code
    /// (`213`) for numbers that tell none.
    pub fn new(
        db: Db,
        sealer: Sealer,
        neighbours: Neighbours,
        phone_country: Option<String>,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            neighbours,
            phone_country,
        }))
    }
}

impl User {
    /// The typed id.
    pub fn user_id(&self) -> UserId {
        self.id.into()
    }

    /// The role. The table knows no other word; if it did, it would mean no privilege.
    pub fn role(&self) -> Role {
        Role::from_word(&self.role).unwrap_or(Role::Customer)
    }

    /// The tier of a seller who has one. The table knows no other word.
    pub fn seller_category(&self) -> Option<SellerCategory> {
        self.seller_category
            .as_deref()
            .and_then(SellerCategory::from_word)
    }

    /// The tier of whoever stopped selling in one.
    fn former_category(&self) -> Option<SellerCategory> {
        self.former_category
            .as_deref()
            .and_then(SellerCategory::from_word)
    }
}

/// The open account with this id.
///
/// # Errors
/// Those of the database.
pub async fn find(conn: &impl Conn, id: UserId) -> Result<Option<User>> {
    store::find(conn, id).await
}

/// The open accounts among these, in no order.
///
/// # Errors
/// Those of the database.
pub async fn find_all(conn: &impl Conn, ids: &[UserId]) -> Result<Vec<User>> {
    store::find_all(conn, ids).await
}

/// Like [`find_all`], kept as they are until commit; others may keep them too.
///
/// # Errors
/// Those of the database.
pub async fn hold_all(tx: &Tx, ids: &[UserId]) -> Result<Vec<User>> {
    store::hold_all(tx, ids).await
}

/// The open account whose owner has proven a phone. Anybody may name a phone that is not
/// theirs, so an unproven one leads to nobody.
///
/// # Errors
/// Those of the database.
pub async fn find_by_phone(conn: &impl Conn, phone: &Phone) -> Result<Option<User>> {
    let found = store::find_by_phone(conn, phone).await?;
    Ok(found.filter(|user| user.phone_verified))
}

/// An entry of the user's own address book; nothing when there is none of this id.
///
/// # Errors
/// Those of the database.
pub async fn address(conn: &impl Conn, owner: UserId, id: AddressId) -> Result<Option<Address>> {
    match store::find_address(conn, owner, id).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whose these entries of address books are; those that there are none of are left out. One
/// statement.
///
/// # Errors
/// Those of the database.
pub async fn owners_of_addresses(
    conn: &impl Conn,
    ids: &[AddressId],
) -> Result<HashMap<AddressId, UserId>> {
    store::owners_of_addresses(conn, ids).await
}

/// The default entry of the user's address book, where it has any.
///
/// # Errors
/// Those of the database.
pub async fn default_address(conn: &impl Conn, owner: UserId) -> Result<Option<Address>> {
    store::default_address(conn, owner).await
}

/// Makes a customer a store owner, with the first store. Other roles stay.
///
/// # Errors
/// NOT_FOUND when the account is closed.
pub async fn promote_to_store_owner(tx: &Tx, id: UserId) -> Result<()> {
    let user = store::lock(tx, id).await?;
    if user.role() != Role::Customer {
        return Ok(());
    }
    let promoted = User {
        role: Role::StoreOwner.as_str().to_owned(),
        ..user
    };
    save(tx, promoted).await.map(drop)
}

/// Whether an event tells of a change of an account, its aggregate. What is cached of
/// the account is stale then.
pub fn is_change(event: Seen<'_>) -> bool {
    event.kind.starts_with("user.")
}

/// Whether an event tells that a seller, its aggregate, went into another tier or out of
/// one. What is cached of the seller's products is stale then.
pub fn is_change_of_tier(event: Seen<'_>) -> bool {
    event.kind == TIER_CHANGED
}

const TIER_CHANGED: &str = "user.tier_changed";

/// Writes the next version of a locked account whose tier is what it was.
async fn save(tx: &Tx, user: User) -> Result<User> {
    let kind = if user.deleted_at.is_some() {
        "user.closed"
    } else {
        "user.changed"
    };
    save_as(tx, user, kind).await
}

/// Writes the next version of a locked account that was in the tier `before`.
async fn save_in_tier(tx: &Tx, user: User, before: Option<SellerCategory>) -> Result<User> {
    if user.seller_category() == before {
        return save(tx, user).await;
    }
    save_as(tx, user, TIER_CHANGED).await
}

async fn save_as(tx: &Tx, user: User, kind: &'static str) -> Result<User> {
    let next = User {
        version: user.version + 1,
        updated_at: tx.now().micros(),
        ..user
    };
    store::save(tx, &next).await?;
    changed(tx, &next, kind);
    Ok(next)
}

/// The event carries no payload: the log must not outlive what a closed account forgets.
fn changed(tx: &Tx, user: &User, kind: &'static str) {
    tx.emit(NewEvent {
        topic: format!("user/{}", user.id),
        kind,
        aggregate: user.id,
        version: user.version,
        payload: Vec::new(),
    });
}
