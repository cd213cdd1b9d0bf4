//! Whether what is counted of the uses of files is what shows them.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::clients::blob::Blobs;
use crate::db::Dialect;
use crate::kernel::{Error, Result};

/// A picture of a product, as its row has it.
#[derive(Deserialize)]
struct Image {
    url: String,
}

/// The files whose uses are not the number of those that show them. Which addresses are of
/// files of ours `blobs` says: anybody may write any address of others.
pub(super) async fn miscounted(
    snapshot: &DatabaseTransaction,
    dialect: Dialect,
    blobs: &dyn Blobs,
) -> Result<Vec<String>> {
    let rows = |sql: &str| snapshot.query_all_raw(dialect.statement(sql, []));
    let (mut ids, mut uses) = (HashMap::new(), HashMap::new());
    let sql = "SELECT id, key, uses FROM media WHERE status NOT IN ('PENDING', 'ABORTED')";
    for row in rows(sql).await? {
        let (id, key): (Uuid, String) = (row.try_get("", "id")?, row.try_get("", "key")?);
        let counted: i32 = row.try_get("", "uses")?;
        ids.insert(key, id);
        uses.insert(id, i64::from(counted));
    }
    let of_ours = |url: &str| ids.get(&blobs.key_of(url)?);
    let mut shown = |id: &Uuid| {
        if let Some(left) = uses.get_mut(id) {
            *left -= 1;
        }
    };
    let mut show_all = |urls: &[String]| {
        let found: BTreeSet<&Uuid> = urls.iter().filter_map(|url| of_ours(url)).collect();
        found.into_iter().for_each(&mut shown);
    };
    let sql = "SELECT images FROM products WHERE status <> 'DELETED' AND images <> '[]'";
    for row in rows(sql).await? {
        let images: Vec<Image> = json(&row)?;
        let urls: Vec<String> = images.into_iter().map(|image| image.url).collect();
        show_all(&urls);
    }
    let sql = "SELECT images FROM b2b_offers WHERE deleted_at IS NULL AND images <> '[]'";
    for row in rows(sql).await? {
        show_all(&json::<Vec<String>>(&row)?);
    }
    let sql = "SELECT avatar_url AS url FROM users \
               WHERE avatar_url IS NOT NULL AND deleted_at IS NULL UNION ALL \
               SELECT image_url AS url FROM stores \
               WHERE image_url IS NOT NULL AND status <> 'DELETED' UNION ALL \
               SELECT image_url AS url FROM categories WHERE image_url <> ''";
    for row in rows(sql).await? {
        let url: String = row.try_get("", "url")?;
        of_ours(&url).into_iter().for_each(&mut shown);
    }
    let sql = "SELECT video_media_id AS id FROM reels \
               WHERE video_media_id IS NOT NULL AND deleted_at IS NULL UNION ALL \
               SELECT thumbnail_media_id AS id FROM reels \
               WHERE thumbnail_media_id IS NOT NULL AND deleted_at IS NULL UNION ALL \
               SELECT next_thumbnail_media_id AS id FROM reels \
               WHERE next_thumbnail_media_id IS NOT NULL AND deleted_at IS NULL";
    for row in rows(sql).await? {
        shown(&row.try_get::<Uuid>("", "id")?);
    }
    let wrong = uses.iter().filter(|(_, left)| **left != 0);
    Ok(wrong.map(|(id, _)| id.to_string()).collect())
}

fn json<T: DeserializeOwned>(row: &QueryResult) -> Result<T> {
    let images: String = row.try_get("", "images")?;
    serde_json::from_str(&images).map_err(Error::internal)
}
