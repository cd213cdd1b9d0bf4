//! Queries on blocked words.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect};

use super::super::Word;
use super::super::entity::word;
use super::lists::{Order, rows};
use crate::db::{Conditions, Conn, Dialect, Tx};
use crate::kernel::Result;
use crate::kernel::id::BlockedWordId;
use crate::kernel::page::PageRequest;

/// The plain forms of all words.
pub async fn all(conn: &impl Conn) -> Result<Vec<String>> {
    Ok(word::Entity::find()
        .select_only()
        .column(word::Column::WordKey)
        .into_tuple()
        .all(conn)
        .await?)
}

/// Adds a word, unless its plain form is there; says whether it did.
pub async fn insert(tx: &Tx, new: &Word) -> Result<bool> {
    let row = new.clone().into_active_model().reset_all();
    let added = word::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(added == 1)
}

/// Removes a word; says whether it was there.
pub async fn remove(tx: &Tx, id: BlockedWordId) -> Result<bool> {
    let removed = word::Entity::delete_by_id(id.uuid())
        .exec(tx.conn())
        .await?;
    Ok(removed.rows_affected == 1)
}

/// The words of a page and one more, by their plain form, and in page mode the number of
/// all.
pub async fn page(
    conn: &impl Conn,
    dialect: Dialect,
    page: &PageRequest,
) -> Result<(Vec<Word>, Option<u64>)> {
    let order = Order::Text("word_key");
    rows::<word::Entity>(conn, dialect, Conditions::default(), &order, page).await
}
