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

use sea_orm::sea_query::{LockType, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, FromQueryResult, Iden, IntoActiveModel,
    Iterable, QueryFilter, QueryOrder, QueryResult, QuerySelect, Select, Value,
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
    one(db.read(), db.dialect(), id).await
}

/// Like [`find`], inside a transaction.
pub async fn find_in(tx: &Tx, id: ReelId) -> Result<Option<Listed>> {
    one(tx.conn(), tx.dialect(), id).await
}

/// Like [`find_in`], and holds the reel until commit.
pub async fn lock(tx: &Tx, id: ReelId) -> Result<Option<Listed>> {
    // First held and then read, as whoever held it before has left it.
    let held = lock_all(tx, reel::Column::Id.eq(id.uuid())).await?;
    match held.is_empty() {
        true => Ok(None),
        false => find_in(tx, id).await,
    }
}

async fn one(conn: &impl Conn, dialect: Dialect, id: ReelId) -> Result<Option<Listed>> {
    let sql = format!(
        "SELECT {} FROM {LISTED} WHERE {BESIDE} AND reels.id = $1 \
         AND reels.deleted_at IS NULL",
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
/// show it as their video; held until commit. Two statements, since SQLite walks all reels
/// for both conditions in one. A file is a video or a picture: only one of them finds reels,
/// so that those are held in the order of their ids all the same.
pub async fn lock_of_file(tx: &Tx, file: MediaId) -> Result<Vec<Reel>> {
    let [of_video, of_picture] = of_file(file);
    let mut held = lock_all(tx, of_video).await?;
    held.extend(lock_all(tx, of_picture).await?);
    held.sort_unstable_by_key(|reel| reel.id);
    Ok(held)
}

/// Which reels have a file as their video, and which as their new picture.
fn of_file(file: MediaId) -> [SimpleExpr; 2] {
    let file = file.uuid();
    [
        reel::Column::VideoMediaId.eq(file),
        reel::Column::NextThumbnailMediaId.eq(file),
    ]
}

/// The statements of [`lock_of_file`].
#[cfg(test)]
pub(super) fn statements_of_file(db: &crate::db::Db, file: MediaId) -> [sea_orm::Statement; 2] {
    use sea_orm::QueryTrait;
    let backend = db.read().get_database_backend();
    of_file(file).map(|which| held(which).build(backend))
}

/// The reels of a seller, held until commit.
pub async fn lock_of_seller(tx: &Tx, seller: UserId) -> Result<Vec<Reel>> {
    lock_all(tx, reel::Column::SellerId.eq(seller.uuid())).await
}

async fn lock_all(tx: &Tx, which: SimpleExpr) -> Result<Vec<Reel>> {
    Ok(held(which).all(tx.conn()).await?)
}

/// The query that holds reels: in the order of their ids, so that two that hold several
/// never wait in a circle. Their keys do not change, so what only refers to a reel goes on
/// beside it: likes, comments, views and what they count for.
fn held(which: SimpleExpr) -> Select<reel::Entity> {
    let query = reel::Entity::find()
        .filter(which)
        .filter(reel::Column::DeletedAt.is_null())
        .order_by_asc(reel::Column::Id);
    query.lock(LockType::NoKeyUpdate)
}

/// Empties what a seller said who has left: with all reels, whose captions go, and with what
/// moderators were shown of them. The caller has deleted those that were there.
pub async fn forget_seller(tx: &Tx, seller: UserId) -> Result<()> {
    for sql in [
        "UPDATE reels SET caption = '' \
         WHERE seller_id = $1 AND deleted_at IS NOT NULL AND caption <> ''",
        "UPDATE reel_reports SET content = '' WHERE comment_id IS NULL AND reel_id IN \
         (SELECT id FROM reels WHERE seller_id = $1 AND deleted_at IS NOT NULL)",
    ] {
        let values: [Value; 1] = [seller.uuid().into()];
        let statement = tx.dialect().statement(sql, values);
        tx.conn().execute_raw(statement).await?;
    }
    Ok(())
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
