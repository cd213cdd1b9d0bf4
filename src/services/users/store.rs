//! Every query on accounts and address books.

mod external;
pub(super) mod lists;

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait, Func, LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use uuid::Uuid;

pub(super) use external::lock_by_email;

use super::entity::{address, user};
use super::{Address, User};
use crate::db::{Conn, Tx, unique_violation};
use crate::kernel::id::{AddressId, UserId};
use crate::kernel::page::PageRequest;
use crate::kernel::phone::Phone;
use crate::kernel::{Error, Reason, Result, Role};

/// The account, unless it is closed.
pub(super) async fn find(conn: &impl Conn, id: UserId) -> Result<Option<User>> {
    Ok(open()
        .filter(user::Column::Id.eq(id.uuid()))
        .one(conn)
        .await?)
}

/// The open accounts among these.
pub(super) async fn find_all(conn: &impl Conn, ids: &[UserId]) -> Result<Vec<User>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ids.iter().map(|id| id.uuid());
    Ok(open().filter(user::Column::Id.is_in(ids)).all(conn).await?)
}

/// The open account of a phone.
pub(super) async fn find_by_phone(conn: &impl Conn, phone: &Phone) -> Result<Option<User>> {
    Ok(of_phone(phone).one(conn).await?)
}

/// The open account of an e-mail address in lower case.
pub(super) async fn find_by_email(conn: &impl Conn, email: &str) -> Result<Option<User>> {
    Ok(of_email(email).one(conn).await?)
}

fn of_email(email: &str) -> sea_orm::Select<user::Entity> {
    let lower = Expr::expr(Func::lower(Expr::col(user::Column::Email)));
    open().filter(lower.eq(email))
}

/// Whether an open account has the role.
pub(super) async fn has_role(tx: &Tx, role: Role) -> Result<bool> {
    let found = open()
        .filter(user::Column::Role.eq(role.as_str()))
        .one(tx.conn())
        .await?;
    Ok(found.is_some())
}

/// Like [`find_by_phone`], and holds the row until commit.
pub(super) async fn lock_by_phone(tx: &Tx, phone: &Phone) -> Result<Option<User>> {
    Ok(of_phone(phone).lock_exclusive().one(tx.conn()).await?)
}

/// Like [`find`], and holds the row until commit: changes of one account, its sessions
/// and its address book take turns here.
pub(super) async fn lock(tx: &Tx, id: UserId) -> Result<User> {
    let query = open().filter(user::Column::Id.eq(id.uuid()));
    let found = query.lock_exclusive().one(tx.conn()).await?;
    found.ok_or_else(|| Error::not_found("user"))
}

/// Like [`find_all`], and keeps who would [`lock`] one of them waiting until commit.
pub(super) async fn hold_all(tx: &Tx, ids: &[UserId]) -> Result<Vec<User>> {
    let ids = ids.iter().map(|id| id.uuid());
    let query = open().filter(user::Column::Id.is_in(ids));
    Ok(query.lock(LockType::KeyShare).all(tx.conn()).await?)
}

/// Like [`find`], and keeps who would [`lock`] it waiting until commit.
pub(super) async fn hold(tx: &Tx, id: UserId) -> Result<Option<User>> {
    let query = open().filter(user::Column::Id.eq(id.uuid()));
    let held = query.lock(LockType::KeyShare).one(tx.conn());
    Ok(held.await?)
}

/// Whether there is an active administrator besides this one.
pub(super) async fn has_admin_besides(tx: &Tx, id: UserId) -> Result<bool> {
    let other = open()
        .filter(user::Column::Role.eq(Role::Admin.as_str()))
        .filter(user::Column::IsActive.eq(true))
        .filter(user::Column::Id.ne(id.uuid()))
        .limit(1);
    Ok(other.one(tx.conn()).await?.is_some())
}

/// Like [`lock`], together with the other open account that has the phone. Both rows are
/// held, in the order of their ids, so that two who trade phones take turns.
pub(super) async fn lock_with_holder(
    tx: &Tx,
    id: UserId,
    phone: &Phone,
) -> Result<(User, Option<User>)> {
    let either = user::Column::Id
        .eq(id.uuid())
        .or(user::Column::Phone.eq(phone.as_str()));
    let query = open().filter(either).order_by_asc(user::Column::Id);
    let found = query.lock_exclusive().all(tx.conn()).await?;
    let (own, others): (Vec<User>, Vec<User>) =
        found.into_iter().partition(|user| user.id == id.uuid());
    let own = own.into_iter().next();
    let own = own.ok_or_else(|| Error::not_found("user"))?;
    Ok((own, others.into_iter().next()))
}

fn open() -> sea_orm::Select<user::Entity> {
    user::Entity::find().filter(user::Column::DeletedAt.is_null())
}

fn of_phone(phone: &Phone) -> sea_orm::Select<user::Entity> {
    open().filter(user::Column::Phone.eq(phone.as_str()))
}

/// Adds an account; says whether its phone and e-mail address were free.
pub(super) async fn insert(tx: &Tx, new: &User) -> Result<bool> {
    let added = user::Entity::insert(new.clone().into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(added == 1)
}

/// Writes a changed account, which the caller has locked.
///
/// # Errors
/// EMAIL_TAKEN or PHONE_TAKEN when another account has it.
pub(super) async fn save(tx: &Tx, changed: &User) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    match row.update(tx.conn()).await {
        Ok(_) => Ok(()),
        Err(error) => Err(taken(error)),
    }
}

fn taken(error: DbErr) -> Error {
    match unique_violation(&error) {
        Some(index) if index.contains("email") => email_taken().caused_by(error),
        Some(index) if index.contains("phone") => phone_taken().caused_by(error),
        _ => error.into(),
    }
}

/// Another account has the e-mail address.
pub(super) fn email_taken() -> Error {
    Error::new(Reason::EmailTaken, "this e-mail address is taken").at("email")
}

/// Another account has the phone number.
pub(super) fn phone_taken() -> Error {
    Error::new(Reason::PhoneTaken, "this phone number is taken").at("phone")
}

/// An entry of the user's own address book.
pub(super) async fn find_address(
    conn: &impl Conn,
    owner: UserId,
    id: AddressId,
) -> Result<Address> {
    let found = own(owner)
        .filter(address::Column::Id.eq(id.uuid()))
        .one(conn)
        .await?;
    found.ok_or_else(|| Error::not_found("address"))
}

/// Whose these entries of address books are; those that there are none of are left out.
pub(super) async fn owners_of_addresses(
    conn: &impl Conn,
    ids: &[AddressId],
) -> Result<HashMap<AddressId, UserId>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = address::Entity::find()
        .select_only()
        .columns([address::Column::Id, address::Column::UserId])
        .filter(address::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    let rows: Vec<(Uuid, Uuid)> = query.into_tuple().all(conn).await?;
    let owners = rows
        .into_iter()
        .map(|(id, owner)| (id.into(), owner.into()));
    Ok(owners.collect())
}

/// The default entry of the user's address book, where it has any.
pub(super) async fn default_address(conn: &impl Conn, owner: UserId) -> Result<Option<Address>> {
    let found = own(owner).filter(address::Column::IsDefault.eq(true));
    Ok(found.one(conn).await?)
}

fn own(owner: UserId) -> sea_orm::Select<address::Entity> {
    address::Entity::find().filter(address::Column::UserId.eq(owner.uuid()))
}

/// A page of the address book, one row more than asked: the default, then the newest.
pub(super) async fn list_addresses(
    conn: &impl Conn,
    owner: UserId,
    after: Option<(bool, AddressId)>,
    page: &PageRequest,
) -> Result<Vec<Address>> {
    let mut query = own(owner)
        .order_by_desc(address::Column::IsDefault)
        .order_by_desc(address::Column::Id)
        .offset(page.offset())
        .limit(page.limit + 1);
    if let Some((was_default, id)) = after {
        // Behind the default come all the others; behind one of those, the older ones.
        query = query.filter(address::Column::IsDefault.eq(false));
        if !was_default {
            query = query.filter(address::Column::Id.lt(id.uuid()));
        }
    }
    Ok(query.all(conn).await?)
}

/// How many entries the address book has.
pub(super) async fn count_addresses(conn: &impl Conn, owner: UserId) -> Result<u64> {
    Ok(own(owner).count(conn).await?)
}

/// Adds an entry.
pub(super) async fn insert_address(tx: &Tx, new: &Address) -> Result<()> {
    address::Entity::insert(new.clone().into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Writes a changed entry.
pub(super) async fn save_address(tx: &Tx, changed: &Address) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    row.update(tx.conn()).await?;
    Ok(())
}

/// Removes an entry.
pub(super) async fn delete_address(tx: &Tx, id: AddressId) -> Result<()> {
    address::Entity::delete_by_id(id.uuid())
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Removes the whole address book.
pub(super) async fn delete_addresses(tx: &Tx, owner: UserId) -> Result<()> {
    address::Entity::delete_many()
        .filter(address::Column::UserId.eq(owner.uuid()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Takes the default mark off whichever entry has it.
pub(super) async fn clear_default(tx: &Tx, owner: UserId) -> Result<()> {
    address::Entity::update_many()
        .col_expr(address::Column::IsDefault, Expr::val(false))
        .filter(address::Column::UserId.eq(owner.uuid()))
        .filter(address::Column::IsDefault.eq(true))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Makes the newest entry the default, if there is one.
pub(super) async fn promote_newest(tx: &Tx, owner: UserId) -> Result<()> {
    let newest = own(owner)
        .select_only()
        .column(address::Column::Id)
        .order_by_desc(address::Column::Id)
        .limit(1);
    address::Entity::update_many()
        .col_expr(address::Column::IsDefault, Expr::val(true))
        .filter(Expr::col(address::Column::Id).in_subquery(sea_orm::QueryTrait::into_query(newest)))
        .exec(tx.conn())
        .await?;
    Ok(())
}
