//! The list of accounts. Written as SQL, so that the test on the query plan reads what
//! runs.

use sea_orm::{EntityTrait, Iden, Iterable, Statement};

use super::super::User;
use super::super::admin::{Contact, Filter};
use super::super::entity::user;
use crate::db::{Conditions, Conn, Dialect};
use crate::kernel::page::PageRequest;
use crate::kernel::{Error, Result};

/// The accounts of a page and one more, and in page mode the number of all.
pub(in super::super) async fn users(
    conn: &impl Conn,
    dialect: Dialect,
    filter: &Filter,
    page: &PageRequest,
) -> Result<(Vec<User>, Option<u64>)> {
    let total = match page.is_numbered() {
        true => Some(count(conn, dialect, filter).await?),
        false => None,
    };
    let statement = page_of(dialect, filter, page)?;
    let rows = user::Entity::find()
        .from_raw_sql(statement)
        .all(conn)
        .await?;
    Ok((rows, total))
}

/// The statement that reads a page.
pub(in super::super) fn page_of(
    dialect: Dialect,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Statement> {
    let mut conditions = conditions(filter);
    if let Some(cursor) = page.cursor() {
        let last = uuid::Uuid::from_slice(cursor).map_err(Error::internal)?;
        conditions.with("id < ?", [last.into()]);
    }
    let sql = format!(
        "SELECT {} FROM users WHERE {} ORDER BY id DESC LIMIT {} OFFSET {}",
        columns(),
        conditions.sql(),
        page.limit + 1,
        page.offset()
    );
    Ok(dialect.statement(sql, conditions.values()))
}

async fn count(conn: &impl Conn, dialect: Dialect, filter: &Filter) -> Result<u64> {
    let conditions = conditions(filter);
    let sql = format!(
        "SELECT count(*) AS total FROM users WHERE {}",
        conditions.sql()
    );
    let statement = dialect.statement(sql, conditions.values());
    let counted = conn.query_one_raw(statement).await?;
    let total: i64 = counted.map_or(Ok(0), |row| row.try_get("", "total"))?;
    u64::try_from(total).map_err(Error::internal)
}

/// Whether an account is active stands in the text, and not in a parameter, so that the
/// indexes of those that are not can be used.
fn conditions(filter: &Filter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.always("deleted_at IS NULL");
    if let Some(role) = filter.role {
        conditions.with("role = ?", [role.as_str().into()]);
    }
    if let Some(category) = filter.category {
        conditions.with("seller_category = ?", [category.as_str().into()]);
    }
    match filter.is_active {
        Some(true) => conditions.always("is_active"),
        Some(false) => conditions.always("NOT is_active"),
        None => {}
    }
    match &filter.contact {
        Some(Contact::Phone(phone)) => conditions.with("phone = ?", [phone.as_str().into()]),
        Some(Contact::Email(email)) => conditions.with("lower(email) = ?", [email.into()]),
        None => {}
    }
    conditions
}

fn columns() -> String {
    let names: Vec<String> = user::Column::iter()
        .map(|column| column.to_string())
        .collect();
    names.join(", ")
}
