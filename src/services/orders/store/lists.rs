//! Lists of orders, their sums, and what keeps accounts and stores from being closed.

use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sea_orm::{
    Condition, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use uuid::Uuid;

use super::super::entity::{history, order};
use super::super::model::{Entry, Order};
use super::super::state::{PaymentStatus, Status};
use super::all_with_items;
use super::rows::{entry, word};
use crate::db::{Conn, Tx};
use crate::kernel::id::{OrderId, StoreId, UserId};
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Currency, Result, Time};

/// Whose orders.
#[derive(Debug, Clone)]
pub(in super::super) enum Scope {
    /// Those that a user placed.
    Buyer(UserId),
    /// Those at these stores.
    Stores(Vec<StoreId>),
    /// Those that guests placed with a phone number.
    Guest(String),
    /// All of them.
    All,
}

/// Which orders.
#[derive(Debug, Clone)]
pub(in super::super) struct Filter {
    /// Whose.
    pub scope: Scope,
    /// Of this status.
    pub status: Option<Status>,
    /// Placed at or after this time.
    pub from: Option<Time>,
    /// Placed before this time.
    pub before: Option<Time>,
}

impl Filter {
    /// All of a scope.
    pub const fn of(scope: Scope) -> Self {
        Self {
            scope,
            status: None,
            from: None,
            before: None,
        }
    }

    fn condition(&self) -> Condition {
        let columns = order::COLUMN;
        let whose = match &self.scope {
            Scope::Buyer(user) => Condition::all().add(columns.user_id.eq(user.uuid())),
            Scope::Stores(stores) => {
                let stores = stores.iter().map(|store| store.uuid());
                Condition::all().add(columns.store_id.is_in(stores))
            }
            Scope::Guest(phone) => Condition::all()
                .add(columns.customer_phone.eq(phone.as_str()))
                .add(columns.user_id.is_null()),
            Scope::All => Condition::all(),
        };
        whose
            .add_option(self.status.map(|status| columns.status.eq(status.as_str())))
            .add_option(self.from.map(|time| columns.created_at.gte(time.micros())))
            .add_option(self.before.map(|time| columns.created_at.lt(time.micros())))
    }
}

/// A page of orders without their history, newest first.
pub(in super::super) async fn list(
    conn: &impl Conn,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Order>> {
    let matching = order::Entity::find().filter(filter.condition());
    let total = match page.is_numbered() {
        true => Some(matching.clone().count(conn).await?),
        false => None,
    };
    let rows = newest_first(matching, page.cursor())
        .offset(page.offset())
        .limit(page.limit + 1)
        .all(conn)
        .await?;
    let orders = all_with_items(conn, rows).await?;
    Ok(page.finish(orders, total, cursor))
}

fn newest_first(matching: Select<order::Entity>, after: Option<&[u8]>) -> Select<order::Entity> {
    let columns = order::COLUMN;
    let matching = match after.and_then(position) {
        Some((at, id)) => matching.filter(
            Condition::any().add(columns.created_at.lt(at)).add(
                Condition::all()
                    .add(columns.created_at.eq(at))
                    .add(columns.id.lt(id)),
            ),
        ),
        None => matching,
    };
    matching
        .order_by_desc(columns.created_at)
        .order_by_desc(columns.id)
}

/// Where a list goes on: the time and the id of the last order that was given.
fn cursor(order: &Order) -> Vec<u8> {
    let mut bytes = order.created_at.micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(order.id.uuid().as_bytes());
    bytes
}

fn position(cursor: &[u8]) -> Option<(i64, Uuid)> {
    let (at, id) = cursor.split_first_chunk()?;
    Some((i64::from_be_bytes(*at), Uuid::from_slice(id).ok()?))
}

/// A page of an order's history, oldest first.
pub(in super::super) async fn history_page(
    conn: &impl Conn,
    id: OrderId,
    page: &PageRequest,
) -> Result<Page<Entry>> {
    let matching = history::Entity::find().filter(history::COLUMN.order_id.eq(id.uuid()));
    let total = match page.is_numbered() {
        true => Some(matching.clone().count(conn).await?),
        false => None,
    };
    let after = page
        .cursor()
        .and_then(|cursor| cursor.try_into().ok())
        .map(i64::from_be_bytes);
    let rows = matching
        .filter(Condition::all().add_option(after.map(|seen| history::COLUMN.version.gt(seen))))
        .order_by_asc(history::COLUMN.version)
        .offset(page.offset())
        .limit(page.limit + 1)
        .all(conn)
        .await?;
    let entries = rows.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
    Ok(page.finish(entries, total, |entry| entry.version.to_be_bytes().to_vec()))
}

/// How many orders share a status, a payment status and a currency, and what they sum to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Summary {
    pub status: Status,
    pub payment_status: PaymentStatus,
    pub currency: Currency,
    pub orders: i64,
    pub total: i64,
}

#[derive(FromQueryResult)]
struct SummaryRow {
    status: String,
    payment_status: String,
    currency: String,
    orders: i64,
    total: i64,
}

/// Counts and sums orders.
pub(in super::super) async fn summary(conn: &impl Conn, filter: &Filter) -> Result<Vec<Summary>> {
    let columns = order::COLUMN;
    let rows = order::Entity::find()
        .filter(filter.condition())
        .select_only()
        .column(order::Column::Status)
        .column(order::Column::PaymentStatus)
        .column(order::Column::Currency)
        .column_as(columns.id.count(), "orders")
        // PostgreSQL sums whole numbers into decimals.
        .column_as(
            Expr::col((order::Entity, order::Column::Total))
                .sum()
                .cast_as(Alias::new("bigint")),
            "total",
        )
        .group_by(order::Column::Status)
        .group_by(order::Column::PaymentStatus)
        .group_by(order::Column::Currency)
        .into_model::<SummaryRow>()
        .all(conn)
        .await?;
    rows.into_iter().map(summary_of).collect()
}

fn summary_of(row: SummaryRow) -> Result<Summary> {
    let none = Uuid::nil();
    Ok(Summary {
        status: word(none, "status", &row.status, Status::from_word)?,
        payment_status: word(
            none,
            "payment_status",
            &row.payment_status,
            PaymentStatus::from_word,
        )?,
        currency: word(none, "currency", &row.currency, |word| word.parse().ok())?,
        orders: row.orders,
        total: row.total,
    })
}

/// Orders that no store confirmed since `before`, oldest first.
pub(in super::super) async fn unconfirmed(
    conn: &impl Conn,
    before: Time,
    limit: u64,
) -> Result<Vec<OrderId>> {
    let ids: Vec<Uuid> = order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .filter(order::COLUMN.status.eq(Status::Pending.as_str()))
        .filter(order::COLUMN.created_at.lt(before.micros()))
        // Free items have no store that could confirm them.
        .filter(order::COLUMN.store_id.is_not_null())
        .order_by_asc(order::COLUMN.created_at)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

fn open() -> Condition {
    let open = Status::ALL.iter().filter(|status| status.is_open());
    Condition::all().add(
        order::COLUMN
            .status
            .is_in(open.map(|status| status.as_str())),
    )
}

/// Whether a user has orders under way, as buyer or in an own store.
pub(in super::super) async fn open_of_user(tx: &Tx, user: UserId) -> Result<bool> {
    let theirs = Condition::any()
        .add(order::COLUMN.user_id.eq(user.uuid()))
        .add(order::COLUMN.seller_id.eq(user.uuid()));
    any(tx, open().add(theirs)).await
}

/// Empties whatever of a user's orders tells who and where the user is. The wilaya and
/// the sums stay, for the stores' books.
pub(in super::super) async fn forget_buyer(tx: &Tx, user: UserId) -> Result<()> {
    let mut orders = order::Entity::update_many();
    for told in [
        order::Column::CustomerName,
        order::Column::CustomerPhone,
        order::Column::CustomerEmail,
        order::Column::Commune,
        order::Column::Address,
        order::Column::PostalCode,
        order::Column::Notes,
    ] {
        orders = orders.col_expr(told, Expr::val(""));
    }
    orders
        .col_expr(order::Column::Latitude, Expr::val(None::<f64>))
        .col_expr(order::Column::Longitude, Expr::val(None::<f64>))
        .filter(order::COLUMN.user_id.eq(user.uuid()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Whether a store has orders under way.
pub(in super::super) async fn open_of_store(tx: &Tx, store: StoreId) -> Result<bool> {
    any(tx, open().add(order::COLUMN.store_id.eq(store.uuid()))).await
}

async fn any(tx: &Tx, condition: Condition) -> Result<bool> {
    let found: Option<Uuid> = order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .filter(condition)
        .limit(1)
        .into_tuple()
        .one(tx.conn())
        .await?;
    Ok(found.is_some())
}
