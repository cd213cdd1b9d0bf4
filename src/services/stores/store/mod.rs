//! Every query on stores and their staff.

mod lists;
mod map;

use std::sync::Arc;

use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::entity::{member, row};
use super::model::Store;
use super::policy::Member;
use super::state::Status;
use crate::db::{Conn, Tx};
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::page::PageRequest;
use crate::kernel::{Error, Reason, Result, Time};

#[cfg(test)]
pub(super) use lists::Disk;
pub use lists::is_of_member;
pub(super) use lists::{Nearby, Search, mine, nearby, of_user, search};

/// A store with its staff: what every decision about it needs.
#[derive(Debug, Clone)]
pub(super) struct Staffed {
    pub(super) store: Arc<Store>,
    pub(super) members: Vec<Member>,
}

/// The store, unless it is deleted.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn find(conn: &impl Conn, id: StoreId) -> Result<Staffed> {
    let found = kept(id).one(conn).await?;
    staffed(conn, found).await
}

/// Like [`find`], and holds the row until commit: changes of one store take turns.
pub(super) async fn lock(tx: &Tx, id: StoreId) -> Result<Staffed> {
    let found = kept(id).lock_exclusive().one(tx.conn()).await?;
    staffed(tx.conn(), found).await
}

/// Whether there is such a store that is not deleted.
pub(super) async fn is_public(conn: &impl Conn, id: StoreId) -> Result<bool> {
    let public = [Status::Active, Status::Paused].map(Status::as_str);
    let found = kept(id).filter(row::Column::Status.is_in(public));
    Ok(found.count(conn).await? > 0)
}

fn kept(id: StoreId) -> sea_orm::Select<row::Entity> {
    row::Entity::find_by_id(id.uuid()).filter(row::Column::Status.ne(Status::Deleted.as_str()))
}

async fn staffed(conn: &impl Conn, found: Option<row::Model>) -> Result<Staffed> {
    let store = map::store(found.ok_or_else(|| Error::not_found("store"))?)?;
    let members = member::Entity::find()
        .filter(member::Column::StoreId.eq(store.id.uuid()))
        .all(conn)
        .await?;
    Ok(Staffed {
        store: Arc::new(store),
        members: members
            .into_iter()
            .map(map::member)
            .collect::<Result<_>>()?,
    })
}

/// Adds a store.
pub(super) async fn insert(tx: &Tx, store: &Store) -> Result<()> {
    row::Entity::insert(map::row(store).into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Writes the next version of a locked store.
///
/// # Errors
/// CONFLICT when the row is not at the version before.
pub(super) async fn save(tx: &Tx, store: &Store) -> Result<()> {
    let saved = row::Entity::update_many()
        .set(map::row(store).into_active_model().reset_all())
        .filter(row::Column::Id.eq(store.id.uuid()))
        .filter(row::Column::Version.eq(store.version() - 1))
        .exec(tx.conn())
        .await?;
    if saved.rows_affected == 1 {
        return Ok(());
    }
    Err(Error::new(
        Reason::Conflict,
        "the store was changed meanwhile",
    ))
}

/// Adds a member, or changes the member's role; gives the member as kept.
pub(super) async fn put_member(tx: &Tx, store: StoreId, new: Member) -> Result<Member> {
    let key = [member::Column::StoreId, member::Column::UserId];
    let kept = member::Entity::insert(
        member::Model {
            store_id: store.uuid(),
            user_id: new.user.uuid(),
            role: new.role.as_str().to_owned(),
            created_at: new.created_at.micros(),
        }
        .into_active_model(),
    )
    .on_conflict(
        OnConflict::columns(key)
            .update_column(member::Column::Role)
            .to_owned(),
    )
    .exec_with_returning(tx.conn())
    .await?;
    map::member(kept)
}

/// The stores of an owner that are not deleted, in the order in which they are locked.
pub(super) async fn owned_by(tx: &Tx, owner: UserId) -> Result<Vec<StoreId>> {
    let ids: Vec<uuid::Uuid> = row::Entity::find()
        .select_only()
        .column(row::Column::Id)
        .filter(row::Column::OwnerId.eq(owner.uuid()))
        .filter(row::Column::Status.ne(Status::Deleted.as_str()))
        .order_by_asc(row::Column::Id)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Takes a user off the staff of every store.
pub(super) async fn remove_memberships(tx: &Tx, user: UserId) -> Result<()> {
    member::Entity::delete_many()
        .filter(member::Column::UserId.eq(user.uuid()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Removes a member; says whether there was one.
pub(super) async fn remove_member(tx: &Tx, store: StoreId, user: UserId) -> Result<bool> {
    let removed = member::Entity::delete_by_id((store.uuid(), user.uuid()))
        .exec(tx.conn())
        .await?;
    Ok(removed.rows_affected == 1)
}

/// A page of the staff, one more than asked, the longest-serving first.
pub(super) async fn list_members(
    conn: &impl Conn,
    store: StoreId,
    after: Option<(Time, UserId)>,
    page: &PageRequest,
) -> Result<Vec<Member>> {
    let mut query = staff(store)
        .order_by_asc(member::Column::CreatedAt)
        .order_by_asc(member::Column::UserId)
        .offset(page.offset())
        .limit(page.limit + 1);
    if let Some((joined, user)) = after {
        let later = member::Column::CreatedAt.gt(joined.micros());
        let same = member::Column::CreatedAt
            .eq(joined.micros())
            .and(member::Column::UserId.gt(user.uuid()));
        query = query.filter(later.or(same));
    }
    let rows = query.all(conn).await?;
    rows.into_iter().map(map::member).collect()
}

/// How many members the staff has.
pub(super) async fn count_members(conn: &impl Conn, store: StoreId) -> Result<u64> {
    Ok(staff(store).count(conn).await?)
}

fn staff(store: StoreId) -> sea_orm::Select<member::Entity> {
    member::Entity::find().filter(member::Column::StoreId.eq(store.uuid()))
}
