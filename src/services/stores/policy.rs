//! Who may act on a store. Pure.

use super::model::Store;
use crate::kernel::id::UserId;
use crate::kernel::{Caller, Error, Result, Time};

/// What a member of the staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffRole {
    /// Everything but closing the store and choosing its staff.
    Manager,
    /// Orders and stock only.
    Staff,
}

impl StaffRole {
    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "MANAGER",
            Self::Staff => "STAFF",
        }
    }

    /// The role of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Manager, Self::Staff]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// A member of a store's staff. The owner is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// What the member may do.
    pub role: StaffRole,
    /// When the member joined.
    pub created_at: Time,
}

/// Which standing an action needs; each may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// Any member of the staff.
    Staff,
    /// A manager.
    Manager,
    /// The owner.
    Owner,
}

/// The caller's standing in a store; an administrator stands where the owner does.
fn standing(store: &Store, members: &[Member], caller: &Caller) -> Option<Needed> {
    if caller.is_admin() || caller.user_id() == Some(store.owner) {
        return Some(Needed::Owner);
    }
    let user = caller.user_id()?;
    let member = members.iter().find(|member| member.user == user)?;
    Some(match member.role {
        StaffRole::Manager => Needed::Manager,
        StaffRole::Staff => Needed::Staff,
    })
}

/// Demands that the caller may know of the store.
///
/// # Errors
/// NOT_FOUND.
pub fn require_sight(store: &Store, members: &[Member], caller: &Caller) -> Result<()> {
    if store.is_public() || standing(store, members, caller).is_some() {
        return Ok(());
    }
    Err(Error::not_found("store"))
}

/// Demands that the caller may act.
///
/// # Errors
/// NOT_FOUND when the caller may not even know of the store, FORBIDDEN otherwise.
pub fn require(store: &Store, members: &[Member], caller: &Caller, needed: Needed) -> Result<()> {
    require_sight(store, members, caller)?;
    if standing(store, members, caller).is_some_and(|standing| standing >= needed) {
        return Ok(());
    }
    Err(Error::forbidden(match needed {
        Needed::Staff => "only members of the store may do this",
        Needed::Manager => "only the owner and managers of the store may do this",
        Needed::Owner => "only the owner of the store may do this",
    }))
}
