//! The life of a reel: made, given its video, changed, deleted. Each function works in the
//! caller's transaction.

use async_trait::async_trait;

use super::matcher::BlockedWords;
use super::reel::View;
use super::sight::Sight;
use super::state::Step;
use super::{Reel, Reels, access, convert, store, words};
use crate::db::{NewEvent, Tx};
use crate::kernel::id::{MediaId, ProductId, ReelId};
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::catalog;
use crate::services::media::{self, MediaReady, Named, Purpose, Shown};

/// A file that a request names, and in which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The file.
    pub file: Named,
    /// The field.
    pub field: &'static str,
}

/// A reel to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReel {
    /// The product that it shows.
    pub product: ProductId,
    /// What the seller says to it.
    pub caption: String,
    /// Its video; without one it is a draft.
    pub video: Option<Given>,
    /// The picture that stands for it.
    pub thumbnail: Option<Given>,
    /// The length of a video that does not tell its own, in milliseconds.
    pub duration_ms: Option<i32>,
}

/// What is to change of a reel; absent parts stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// What the seller says to it.
    pub caption: Option<String>,
    /// The picture that stands for it.
    pub thumbnail: Option<Given>,
}

impl Reels {
    /// Makes a reel of a product of the caller's store. `knows_product` is whether the
    /// caller may know of the product at all.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND, and FORBIDDEN when the product is known but not the caller's;
    /// UPLOAD_NOT_FOUND, RESTRICTED_CONTENT.
    pub(super) async fn create(
        &self,
        tx: &Tx,
        call: &Call,
        knows_product: bool,
        new: &NewReel,
        words: &BlockedWords,
    ) -> Result<View> {
        let product = catalog::find(tx.conn(), new.product).await?;
        if !self.is_member(tx.conn(), call, product.store()).await? {
            return Err(match knows_product {
                true => Error::forbidden("only members of the product's store may do this"),
                false => Error::new(Reason::ProductNotFound, "product not found"),
            });
        }
        let caption = new.caption.trim();
        words::check(words, "caption", caption)?;
        let (id, seller) = (new.product, product.seller_id.into());
        let mut reel = Reel::draft(id, product.store(), seller, caption, tx.now());
        reel.duration_ms = new.duration_ms;
        if let Some(given) = &new.thumbnail {
            let purpose = Purpose::ReelThumbnail;
            reel.take_thumbnail(&self.attach(tx, call, purpose, given).await?);
        }
        if let Some(given) = &new.video {
            let video = self.attach(tx, call, Purpose::ReelVideo, given).await?;
            reel.take_video(&video, tx.now())?;
        }
        store::insert(tx, &reel).await?;
        tell(tx, &reel, "reel.created");
        self.reload(tx, call, reel.reel_id()).await
    }

    /// Gives a reel without a usable video another one.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, INVALID_STATUS_TRANSITION, UPLOAD_NOT_FOUND.
    pub(super) async fn set_video(
        &self,
        tx: &Tx,
        call: &Call,
        sight: &Sight,
        id: ReelId,
        video: &Given,
        thumbnail: Option<&Given>,
    ) -> Result<View> {
        let mut reel = self.lock_as_member(tx, call, sight, id).await?.reel;
        reel.status().after(Step::TakeVideo)?;
        let former = reel.video_media_id;
        let file = self.attach(tx, call, Purpose::ReelVideo, video).await?;
        if let Some(given) = thumbnail {
            self.change_thumbnail(tx, call, &mut reel, given).await?;
        }
        reel.take_video(&file, tx.now())?;
        save(tx, &mut reel, "reel.updated").await?;
        if let Some(former) = former {
            media::release(tx, former.into()).await?;
        }
        self.reload(tx, call, id).await
    }

    /// Changes a reel.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, UPLOAD_NOT_FOUND, RESTRICTED_CONTENT.
    pub(super) async fn update(
        &self,
        tx: &Tx,
        call: &Call,
        sight: &Sight,
        id: ReelId,
        changes: &Changes,
        words: &BlockedWords,
    ) -> Result<View> {
        let listed = self.lock_as_member(tx, call, sight, id).await?;
        let mut reel = listed.reel.clone();
        if let Some(caption) = changes.caption.as_deref().map(str::trim) {
            words::check(words, "caption", caption)?;
            caption.clone_into(&mut reel.caption);
        }
        if let Some(given) = &changes.thumbnail {
            self.change_thumbnail(tx, call, &mut reel, given).await?;
        }
        if reel != listed.reel {
            save(tx, &mut reel, "reel.updated").await?;
        }
        self.reload(tx, call, id).await
    }

    /// Deletes a reel; its files are used no longer.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN.
    pub(super) async fn delete(
        &self,
        tx: &Tx,
        call: &Call,
        sight: &Sight,
        id: ReelId,
    ) -> Result<()> {
        let mut reel = self.lock_as_member(tx, call, sight, id).await?.reel;
        reel.deleted_at = Some(tx.now().micros());
        save(tx, &mut reel, "reel.deleted").await?;
        let files = [reel.video_media_id, reel.thumbnail_media_id];
        for file in files.into_iter().flatten() {
            media::release(tx, file.into()).await?;
        }
        Ok(())
    }

    async fn change_thumbnail(
        &self,
        tx: &Tx,
        call: &Call,
        reel: &mut Reel,
        given: &Given,
    ) -> Result<()> {
        let former = reel.thumbnail_media_id;
        let picture = self.attach(tx, call, Purpose::ReelThumbnail, given).await?;
        reel.take_thumbnail(&picture);
        match former {
            Some(former) => media::release(tx, former.into()).await,
            None => Ok(()),
        }
    }

    async fn attach(&self, tx: &Tx, call: &Call, purpose: Purpose, given: &Given) -> Result<Shown> {
        let (owner, media) = (call.user()?, &self.0.media);
        media
            .take(tx, owner, purpose, &given.file, given.field)
            .await
    }

    /// The reel as the caller of a write is shown it.
    pub(super) async fn reload(&self, tx: &Tx, call: &Call, id: ReelId) -> Result<View> {
        let listed = store::find_in(tx, id).await?;
        let listed = listed.ok_or_else(access::not_found)?;
        self.view(tx.conn(), call, listed).await
    }
}

/// Reels follow their videos.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReelsOfVideos;

#[async_trait]
impl MediaReady for ReelsOfVideos {
    async fn media_ready(&self, tx: &Tx, file: &Shown) -> Result<()> {
        if file.purpose != Some(Purpose::ReelVideo) {
            return Ok(());
        }
        let Some(before) = store::lock_of_video(tx, file.id).await? else {
            return Ok(());
        };
        let mut reel = before.clone();
        reel.show(file, tx.now())?;
        if reel != before {
            save(tx, &mut reel, "reel.updated").await?;
        }
        Ok(())
    }

    async fn media_failed(&self, tx: &Tx, file: MediaId, failure: &str) -> Result<()> {
        if let Some(before) = store::lock_of_video(tx, file).await? {
            let mut reel = before.clone();
            reel.fail(failure)?;
            if reel != before {
                save(tx, &mut reel, "reel.updated").await?;
            }
        }
        // Without its picture a reel is shown all the same.
        for mut reel in store::lock_of_thumbnail(tx, file).await? {
            reel.thumbnail_media_id = None;
            reel.thumbnail_url.clear();
            save(tx, &mut reel, "reel.updated").await?;
            media::release(tx, file).await?;
        }
        Ok(())
    }
}

/// Writes the next version of a reel, which the caller has locked, and tells of it.
pub(super) async fn save(tx: &Tx, reel: &mut Reel, kind: &'static str) -> Result<()> {
    reel.version += 1;
    reel.updated_at = tx.now().micros();
    store::save(tx, reel).await?;
    tell(tx, reel, kind);
    Ok(())
}

fn tell(tx: &Tx, reel: &Reel, kind: &'static str) {
    tx.emit(NewEvent {
        topic: super::topic(reel.reel_id()),
        kind,
        aggregate: reel.id,
        version: reel.version,
        payload: convert::event(reel),
    });
}
