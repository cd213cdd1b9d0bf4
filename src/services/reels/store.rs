//! Every query on reels; lists, comments, reports, words and numbers have files of their
//! own.

pub(super) mod attribution;
pub(super) mod comments;
pub(super) mod likes;
pub(super) mod lists;
pub(super) mod proof;
pub(super) mod reports;
pub(super) mod stats;
pub(super) mod views;
pub(super) mod words;

use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, ExprTrait, FromQueryResult, Iden,
    IntoActiveModel, Iterable, QueryFilter, QueryOrder, QueryResult, QuerySelect,
};
use uuid::Uuid;

use super::Reel;
use super::access::Seen;
use super::entity::reel;
use super::reel::Listed;
use crate::db::{Conn, Db, Dialect, Tx, unique_violation};
use crate::kernel::id::{MediaId, ReelId, UserId};
use crate::kernel::{Error, Result};

/// A reel that is not deleted, with what its product says of it.
pub async fn find(db: &Db, id: ReelId) -> Result<Option<Listed>> {
    one(db.read(), db.dialect(), id, "").await
}

/// Like [`find`], inside a transaction.
pub async fn find_in(tx: &Tx, id: ReelId) -> Result<Option<Listed>> {
    one(tx.conn(), tx.dialect(), id, "").await
}

/// Like [`find_in`], and holds the reel until commit.
pub async fn lock(tx: &Tx, id: ReelId) -> Result<Option<Listed>> {
    let lock = tx.dialect().for_update_of("reels");
    one(tx.conn(), tx.dialect(), id, &lock).await
}

async fn one(conn: &impl Conn, dialect: Dialect, id: ReelId, lock: &str) -> Result<Option<Listed>> {
    let sql = format!(
        "SELECT {} FROM {LISTED} WHERE {BESIDE} AND reels.id = $1 \
         AND reels.deleted_at IS NULL{lock}",
        listed_columns()
    );
    let statement = dialect.statement(sql, [id.uuid().into()]);
    let row = conn.query_one_raw(statement).await?;
    row.as_ref().map(listed).transpose()
}

/// What decides who sees a reel, unless it is deleted.
pub async fn seen(db: &Db, id: ReelId) -> Result<Option<Seen>> {
    let sql = "SELECT product_id, store_id, seller_id, status = 'READY' AND NOT hidden AS shown \
               FROM reels WHERE id = $1 AND deleted_at IS NULL";
    let statement = db.dialect().statement(sql, [id.uuid().into()]);
    let Some(row) = db.read().query_one_raw(statement).await? else {
        return Ok(None);
    };
    let id = |column| row.try_get::<Uuid>("", column);
    Ok(Some(Seen {
        product: id("product_id")?.into(),
        store: id("store_id")?.into(),
        seller: id("seller_id")?.into(),
        is_shown: row.try_get("", "shown")?,
    }))
}

/// Reels beside their products. A cross join, because SQLite reads the tables of one in
/// their order: lists walk an index of the reels.
const LISTED: &str = "reels CROSS JOIN products";
/// Which product is beside a reel.
const BESIDE: &str = "products.id = reels.product_id";

fn listed_columns() -> String {
    let product = "products.status AS product_status, products.store_visible, products.tier";
    format!("{}, {product}", columns::<reel::Entity>())
}

fn listed(row: &QueryResult) -> Result<Listed> {
    Ok(Listed {
        reel: Reel::from_query_result(row, "")?,
        product_status: row.try_get("", "product_status")?,
        store_visible: row.try_get("", "store_visible")?,
        tier: row.try_get("", "tier")?,
    })
}

/// The reels that wait for a file to be measured, their video or their new picture, or
/// show it as their video; held until commit.
pub async fn lock_of_file(tx: &Tx, file: MediaId) -> Result<Vec<Reel>> {
    let file = file.uuid();
    let is_video = reel::Column::VideoMediaId.eq(file);
    lock_all(tx, is_video.or(reel::Column::NextThumbnailMediaId.eq(file))).await
}

/// The reels of a seller, held until commit.
pub async fn lock_of_seller(tx: &Tx, seller: UserId) -> Result<Vec<Reel>> {
    lock_all(tx, reel::Column::SellerId.eq(seller.uuid())).await
}

/// In the order of their ids, so that two that hold several never wait in a circle.
async fn lock_all(tx: &Tx, which: SimpleExpr) -> Result<Vec<Reel>> {
    let query = reel::Entity::find()
        .filter(which)
        .filter(reel::Column::DeletedAt.is_null())
        .order_by_asc(reel::Column::Id);
    Ok(query.lock_exclusive().all(tx.conn()).await?)
}

/// Adds a reel.
///
/// # Errors
/// VALIDATION_ERROR when another reel has its video.
pub async fn insert(tx: &Tx, new: &Reel) -> Result<()> {
    let row = new.clone().into_active_model().reset_all();
    let added = reel::Entity::insert(row).exec_without_returning(tx.conn());
    added.await.map(drop).map_err(broken)
}

/// Writes a changed reel, which the caller has locked.
///
/// # Errors
/// As [`insert`].
pub async fn save(tx: &Tx, changed: &Reel) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    row.update(tx.conn()).await.map(drop).map_err(broken)
}

fn broken(error: DbErr) -> Error {
    match unique_violation(&error) {
        Some(_) => Error::field("videoMediaId", "is the video of another reel").caused_by(error),
        None => error.into(),
    }
}

/// The columns of a table, as a select list that both databases read.
fn columns<E: EntityTrait>() -> String {
    let table = E::default();
    let table = table.table_name();
    E::Column::iter()
        .map(|column| {
            let name = column.to_string();
            format!("{table}.{name} AS {name}")
        })
        .collect::<Vec<_>>()
        .join(", ")
}
