//! People's accounts, what they tell about themselves, and their address books.
//!
//! Holds:
//! - a phone, and an e-mail address in any case, belongs to one open account;
//! - an address book that is not empty has exactly one default;
//! - a closed account keeps nothing personal, and none of its sessions lives on.
//!
//! It does not prove who someone is (that is `auth`) and does not know stores or orders:
//! what it must ask of them stands in [`Neighbours`].

mod addresses;
mod convert;
mod entity;
mod grpc;
mod profile;
mod store;

use std::sync::Arc;

use async_trait::async_trait;

use crate::db::{Conn, Db, NewEvent, Seen, Tx};
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::phone::Phone;
use crate::kernel::seal::Sealer;
use crate::kernel::{Result, Role};

pub use convert::{role_from_pb, user_to_pb};
pub use entity::address::Model as Address;
pub use entity::user::Model as User;

/// Orders that forbid closing an account or a store.
#[async_trait]
pub trait OpenOrders: Send + Sync {
    /// Whether the user has open orders, as buyer or in an own store.
    async fn user_has_open_orders(&self, tx: &Tx, user: UserId) -> Result<bool>;
    /// Whether the store has open orders.
    async fn store_has_open_orders(&self, tx: &Tx, store: StoreId) -> Result<bool>;
}

/// A service that keeps something of a user's.
#[async_trait]
pub trait Farewell: Send + Sync {
    /// Lets go of it, in the transaction that closes the account.
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()>;
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
    /// Kept by the orders.
    pub orders: Arc<dyn OpenOrders>,
    /// Kept by the stores.
    pub stores: Arc<dyn KnownStores>,
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
}

impl Users {
    /// The service; `sealer` makes its page tokens.
    pub fn new(db: Db, sealer: Sealer, neighbours: Neighbours) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            neighbours,
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

/// The open account of a phone: whom to invite.
///
/// # Errors
/// Those of the database.
pub async fn find_by_phone(conn: &impl Conn, phone: &Phone) -> Result<Option<User>> {
    store::find_by_phone(conn, phone).await
}

/// The account of a phone that its owner has just proven, made with `role` when there is
/// none; an existing account keeps its role. Holds the account's row until commit.
///
/// # Errors
/// Those of the database.
pub async fn find_or_create_by_phone(tx: &Tx, phone: &Phone, role: Role) -> Result<User> {
    if let Some(user) = store::lock_by_phone(tx, phone).await? {
        return Ok(user);
    }
    let user = profile::new(tx.now(), phone, role);
    if store::insert(tx, &user).await? {
        changed(tx, &user, "user.created");
        return Ok(user);
    }
    // Someone else signed up with the same phone meanwhile, and has committed.
    let found = store::lock_by_phone(tx, phone).await?;
    found.ok_or_else(|| crate::kernel::Error::internal("a taken phone has no account"))
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

/// Writes the next version of a locked account.
async fn save(tx: &Tx, user: User) -> Result<User> {
    let next = User {
        version: user.version + 1,
        updated_at: tx.now().micros(),
        ..user
    };
    store::save(tx, &next).await?;
    let kind = if next.deleted_at.is_some() {
        "user.closed"
    } else {
        "user.changed"
    };
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
