//! Announcing a file, and giving it up.

use std::time::Duration;

use super::check::Kind;
use super::file::part_count;
use super::{File, Media, Purpose, Status, jobs, key, store, upload_not_found};
use crate::clients::blob::{NewBlob, Part};
use crate::db::Tx;
use crate::kernel::id::{MediaId, ProductId, UserId};
use crate::kernel::{Call, Error, Reason, Result, Time};

/// When whoever has too much open may try again.
const AGAIN: Duration = Duration::from_secs(60);
/// A file above this size is sent in parts, each of this many bytes but the last.
const WHOLE_MAX: u64 = 50 * 1024 * 1024;
const PART_SIZE: u64 = 16 * 1024 * 1024;
/// What a user may have that nothing uses yet: uploads that may still come, and bytes.
const OPEN_MAX: i64 = 20;
const UNUSED_BYTES_MAX: i64 = 2 * 1024 * 1024 * 1024;

/// A file to be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// What it is for.
    pub purpose: Purpose,
    /// The product of a picture of a product.
    pub product: Option<ProductId>,
    /// Its name on the client's side.
    pub name: String,
    /// Its format.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
}

/// Where the bytes of a file go.
#[derive(Debug, Default)]
pub struct Tickets {
    /// For all of them; empty for a file in parts.
    pub url: String,
    /// Headers of every PUT.
    pub headers: Vec<(String, String)>,
    /// For each part.
    pub parts: Vec<PartTicket>,
}

/// Where the bytes of one part go.
#[derive(Debug)]
pub struct PartTicket {
    /// From 1.
    pub number: u32,
    /// Where to PUT them.
    pub url: String,
    /// Its first byte in the file.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
}

/// The folder of the pictures of a seller's products.
pub fn products_folder(seller: UserId) -> String {
    format!("products/{seller}")
}

impl Media {
    /// Where the file will lie, when the caller may bring one for this purpose.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND and FORBIDDEN when the product is not the caller's to change;
    /// FORBIDDEN when a caller without a store brings a reel.
    async fn folder(&self, call: &Call, new: &NewUpload) -> Result<String> {
        let (user, conn) = (call.user()?, self.0.db.read());
        match (new.purpose, new.product) {
            (Purpose::ProductImage, Some(product)) => {
                let product = self.0.catalog.changeable(conn, call, product).await?;
                let folder = products_folder(product.seller_id.into());
                Ok(format!("{folder}/{}", product.product_id()))
            }
            (Purpose::ReelVideo | Purpose::ReelThumbnail, _) => {
                let stores = self.0.stores.stores_of_user(conn, user).await?;
                if stores.is_empty() && !call.caller.is_admin() {
                    return Err(Error::forbidden("only members of a store bring reels"));
                }
                Ok(format!("reels/{user}"))
            }
            _ => Ok(format!("uploads/{user}")),
        }
    }

    /// A file as it is announced, with a key of its own.
    pub(super) async fn announced(&self, call: &Call, new: &NewUpload) -> Result<File> {
        let now = self.0.db.clock().now();
        let folder = self.folder(call, new).await?;
        Ok(File {
            id: MediaId::new(now).uuid(),
            owner_id: call.user()?.uuid(),
            product_id: new.product.map(ProductId::uuid),
            purpose: new.purpose.as_str().to_owned(),
            status: Status::Pending.as_str().to_owned(),
            key: key::new(folder, &new.name, new.kind, now),
            content_type: new.kind.content_type().to_owned(),
            size: i64::try_from(new.size).map_err(Error::internal)?,
            upload_id: String::new(),
            part_size: None,
            thumbnail_key: String::new(),
            width: None,
            height: None,
            duration_ms: None,
            failure: String::new(),
            uses: 0,
            unused_since: Some(now.micros()),
            checked_at: None,
            expires_at: (now + self.0.bounds.upload_lasts).micros(),
            version: 1,
            created_at: now.micros(),
            updated_at: now.micros(),
        })
    }

    /// A file as it is announced, of which the store knows what it has to know before the
    /// bytes come.
    pub(super) async fn prepared(&self, call: &Call, new: &NewUpload) -> Result<File> {
        let mut file = self.announced(call, new).await?;
        if new.size > WHOLE_MAX {
            file.upload_id = self.0.blobs.begin_parts(&blob(&file)).await?;
            file.part_size = Some(i64::try_from(PART_SIZE).map_err(Error::internal)?);
        }
        Ok(file)
    }

    /// Adds an announced file, unless its owner has too much: of what nothing uses, or of
    /// all files, used ones too.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED.
    pub(super) async fn announce(&self, tx: &Tx, file: &File) -> Result<()> {
        let (owner, most) = (file.owner(), self.0.bounds.owner_bytes_max);
        tx.take_turns(&format!("media/{owner}")).await?;
        let held = store::held(tx, owner).await?;
        let full = |message: &'static str, max: i64| {
            let error = Error::new(Reason::RateLimitExceeded, message);
            Err(error.with("max", max).retry_after(AGAIN))
        };
        if held.open >= OPEN_MAX {
            return full(
                "too many uploads are open: complete or abort some",
                OPEN_MAX,
            );
        }
        if held.unused + file.size > UNUSED_BYTES_MAX {
            return full("too many bytes are not used yet", UNUSED_BYTES_MAX);
        }
        if held.all + file.size > most {
            return full("the files of this account are too many bytes", most);
        }
        store::insert(tx, file).await
    }

    /// Where the bytes of an announced file go, as long as they may come.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn tickets(&self, file: &File) -> Result<Tickets> {
        let (blob, blobs) = (blob(file), &self.0.blobs);
        let lasts = file.expires().since(Time::from_micros(file.created_at));
        let Some(part_size) = file.part_bytes() else {
            let ticket = blobs.ticket(&blob, lasts)?;
            return Ok(Tickets {
                url: ticket.url,
                headers: ticket.headers,
                parts: Vec::new(),
            });
        };
        let mut tickets = Tickets::default();
        for index in 0..part_count(blob.size, part_size) {
            let (number, offset) = (u32::try_from(index + 1), index * part_size);
            let part = Part {
                upload_id: &file.upload_id,
                number: number.map_err(Error::internal)?,
                size: part_size.min(blob.size - offset),
            };
            let ticket = blobs.part_ticket(&blob, &part, lasts)?;
            tickets.headers = ticket.headers;
            tickets.parts.push(PartTicket {
                number: part.number,
                url: ticket.url,
                offset,
                size: part.size,
            });
        }
        Ok(tickets)
    }

    /// Lets go of an upload that did not come to be: nobody has a ticket for it. Should
    /// this fail, no byte is left behind all the same.
    pub(super) async fn drop_parts(&self, file: &File) {
        let File { key, upload_id, .. } = file;
        if upload_id.is_empty() {
            return;
        }
        if let Err(error) = self.0.blobs.abort_parts(key, upload_id).await {
            tracing::warn!(error = ?error, "an upload that nobody knows was not aborted");
        }
    }

    /// Gives up a file whose bytes were still to come.
    ///
    /// # Errors
    /// UPLOAD_NOT_FOUND when it is not the caller's, or is not to come any more.
    pub(super) async fn abort(&self, tx: &Tx, call: &Call, id: MediaId) -> Result<()> {
        let found = store::find(tx.conn(), id).await?;
        let file = found.filter(|file| is_of(file, call));
        let file = file.ok_or_else(upload_not_found)?;
        if !store::end(tx, id, &[Status::Pending], Status::Aborted).await? {
            return Err(upload_not_found());
        }
        jobs::erase(tx, &file);
        Ok(())
    }
}

/// Whether the caller may do with a file what its owner may.
pub fn is_of(file: &File, call: &Call) -> bool {
    call.caller.is_admin() || call.caller.user_id() == Some(file.owner())
}

/// A file as the store sees it.
pub fn blob(file: &File) -> NewBlob {
    NewBlob {
        key: file.key.clone(),
        content_type: file.content_type.clone(),
        size: file.bytes(),
    }
}
