//! Queries on accounts for those whom an identity provider knows.

use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::open;
use crate::db::{Conn, Tx};
use crate::kernel::id::UserId;
use crate::kernel::{Result, Role};
use crate::services::users::User;
use crate::services::users::entity::user;

/// The open account of an e-mail address in lower case.
pub(in crate::services::users) async fn find_by_email(
    conn: &impl Conn,
    email: &str,
) -> Result<Option<User>> {
    Ok(of_email(email).one(conn).await?)
}

/// Like [`find_by_email`], and holds the row until commit.
pub(in crate::services::users) async fn lock_by_email(
    tx: &Tx,
    email: &str,
) -> Result<Option<User>> {
    Ok(of_email(email).lock_exclusive().one(tx.conn()).await?)
}

fn of_email(email: &str) -> sea_orm::Select<user::Entity> {
    let lower = Func::lower(Expr::col(user::Column::Email));
    open().filter(Expr::expr(lower).eq(email))
}

/// How many active administrators there are besides this one.
pub(in crate::services::users) async fn other_admins(tx: &Tx, besides: UserId) -> Result<u64> {
    let others = user::Entity::find()
        .filter(user::Column::DeletedAt.is_null())
        .filter(user::Column::Role.eq(Role::Admin.as_str()))
        .filter(user::Column::IsActive.eq(true))
        .filter(user::Column::Id.ne(besides.uuid()));
    Ok(others.count(tx.conn()).await?)
}
