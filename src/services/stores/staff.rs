//! The staff of stores: who joins, who leaves, who is there.

use std::collections::HashMap;

use super::Stores;
use super::policy::{Member, Needed, StaffRole};
use super::store::{self, Staffed};
use crate::db::Tx;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Call, Error, Reason, Result, Time};
use crate::services::users::{self, User};

/// A member, with the name that the account tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedMember {
    pub(super) member: Member,
    pub(super) name: Option<String>,
}

impl Stores {
    /// Takes a user into the staff, or changes the member's role.
    ///
    /// # Errors
    /// NOT_FOUND for the store or the user, FORBIDDEN, STORE_OWNER_FIXED.
    pub(super) async fn add_member(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        user: UserId,
        role: StaffRole,
    ) -> Result<NamedMember> {
        let locked = self.lock(tx, call, id, Needed::Owner).await?;
        refuse_owner(&locked, user)?;
        let account = users::find(tx.conn(), user).await?;
        let account = account.ok_or_else(|| Error::not_found("user"))?;
        let new = Member {
            user,
            role,
            created_at: tx.now(),
        };
        let known = locked.members.iter().find(|member| member.user == user);
        let member = match known {
            Some(member) if member.role == role => *member,
            _ => {
                let member = store::put_member(tx, id, new).await?;
                self.touch(tx, &locked).await?;
                member
            }
        };
        Ok(NamedMember {
            member,
            name: account.name,
        })
    }

    /// Removes a member; members may also remove themselves.
    ///
    /// # Errors
    /// NOT_FOUND for the store or the member, FORBIDDEN, STORE_OWNER_FIXED.
    pub(super) async fn remove_member(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        user: UserId,
    ) -> Result<()> {
        let leaves = call.caller.user_id() == Some(user);
        let needed = if leaves { Needed::Staff } else { Needed::Owner };
        let locked = self.lock(tx, call, id, needed).await?;
        refuse_owner(&locked, user)?;
        if !store::remove_member(tx, id, user).await? {
            return Err(Error::not_found("member"));
        }
        self.touch(tx, &locked).await
    }

    /// The staff, the longest-serving first.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, PAGE_TOKEN_INVALID.
    pub(super) async fn members(
        &self,
        call: &Call,
        id: StoreId,
        page: &PageRequest,
    ) -> Result<Page<NamedMember>> {
        let conn = self.0.db.read();
        self.require_member(conn, call, id, Needed::Manager).await?;
        let after = page.cursor().map(read_cursor).transpose()?;
        let rows = store::list_members(conn, id, after, page).await?;
        let total = match page.is_numbered() {
            true => Some(store::count_members(conn, id).await?),
            false => None,
        };
        let ids: Vec<UserId> = rows.iter().map(|member| member.user).collect();
        let accounts = users::find_all(conn, &ids).await?;
        let mut names: HashMap<UserId, Option<String>> = accounts
            .into_iter()
            .map(|account: User| (account.user_id(), account.name))
            .collect();
        Ok(page.finish(rows, total, cursor).map(|member| NamedMember {
            name: names.remove(&member.user).flatten(),
            member,
        }))
    }

    /// A change of the staff is a change of the store: whoever caches it must hear.
    async fn touch(&self, tx: &Tx, locked: &Staffed) -> Result<()> {
        self.save(tx, (*locked.store).clone()).await.map(drop)
    }
}

fn refuse_owner(locked: &Staffed, user: UserId) -> Result<()> {
    if locked.store.owner != user {
        return Ok(());
    }
    Err(Error::new(
        Reason::StoreOwnerFixed,
        "the owner of a store is not part of its staff",
    ))
}

fn cursor(member: &Member) -> Vec<u8> {
    let joined = member.created_at.micros().to_be_bytes();
    [joined.as_slice(), member.user.uuid().as_bytes()].concat()
}

fn read_cursor(bytes: &[u8]) -> Result<(Time, UserId)> {
    let (joined, user) = super::find::split_id(bytes)?;
    let joined = joined.try_into().map_err(Error::internal)?;
    Ok((Time::from_micros(i64::from_be_bytes(joined)), user.into()))
}
