//! The life of a reel: made, given its video, changed, deleted. Each function works in the
//! caller's transaction.

use async_trait::async_trait;

use super::matcher::BlockedWords;
use super::reel::View;
use super::state::Step;
use super::{Reel, Reels, access, convert, store, words};
use crate::db::{NewEvent, Tx};
use crate::kernel::id::{MediaId, ProductId, ReelId, UserId};
use crate::kernel::{Call, Result};
use crate::services::media::{self, MediaReady, Named, Purpose, Shown};
use crate::services::users;

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
    /// Makes a reel of a product of the caller's store.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND, and FORBIDDEN when the product is known but not the caller's;
    /// UPLOAD_NOT_FOUND, RESTRICTED_CONTENT.
    pub(super) async fn create(
        &self,
        tx: &Tx,
        call: &Call,
        new: &NewReel,
        words: &BlockedWords,
    ) -> Result<View> {
        let catalog = &self.0.catalog;
        let product = catalog.changeable(tx.conn(), call, new.product).await?;
        let caption = new.caption.trim();
        words::check(words, "caption", caption)?;
        let (id, seller) = (new.product, product.seller());
        // Held, so that an account that closes takes every reel with it.
        let seller = users::lock(tx, seller).await?.user_id();
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
        id: ReelId,
        video: &Given,
        thumbnail: Option<&Given>,
    ) -> Result<View> {
        let mut reel = self.lock_as_member(tx, call, id).await?.reel;
        reel.status().after(Step::TakeVideo)?;
        let former = reel.video_media_id;
        let file = self.attach(tx, call, Purpose::ReelVideo, video).await?;
        if let Some(given) = thumbnail {
            self.change_thumbnail(tx, call, &mut reel, given).await?;
        }
        reel.take_video(&file, tx.now())?;
        save(tx, &mut reel, "reel.updated").await?;
        release(tx, former.map(MediaId::from)).await?;
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
        id: ReelId,
        changes: &Changes,
        words: &BlockedWords,
    ) -> Result<View> {
        let listed = self.lock_as_member(tx, call, id).await?;
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
    pub(super) async fn delete(&self, tx: &Tx, call: &Call, id: ReelId) -> Result<()> {
        let reel = self.lock_as_member(tx, call, id).await?.reel;
        delete(tx, reel).await
    }

    async fn change_thumbnail(
        &self,
        tx: &Tx,
        call: &Call,
        reel: &mut Reel,
        given: &Given,
    ) -> Result<()> {
        let picture = self.attach(tx, call, Purpose::ReelThumbnail, given).await?;
        let former = reel.take_thumbnail(&picture);
        release(tx, former).await
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

/// Reels follow their files.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReelsOfFiles;

#[async_trait]
impl MediaReady for ReelsOfFiles {
    async fn hold(&self, tx: &Tx, file: MediaId) -> Result<()> {
        store::lock_of_file(tx, file).await.map(drop)
    }

    async fn media_ready(&self, tx: &Tx, file: &Shown) -> Result<()> {
        for before in store::lock_of_file(tx, file.id).await? {
            let (mut reel, mut former) = (before.clone(), None);
            match before.is_video(file.id) {
                true => reel.show(file, tx.now())?,
                false => former = reel.show_thumbnail(file),
            }
            if reel != before {
                save(tx, &mut reel, "reel.updated").await?;
            }
            release(tx, former).await?;
        }
        Ok(())
    }

    async fn media_failed(&self, tx: &Tx, file: MediaId, failure: &str) -> Result<()> {
        for before in store::lock_of_file(tx, file).await? {
            let mut reel = before.clone();
            if before.is_video(file) {
                reel.fail(failure)?;
            } else {
                // The picture that stands for it stays.
                reel.next_thumbnail_media_id = None;
                release(tx, Some(file)).await?;
            }
            if reel != before {
                save(tx, &mut reel, "reel.updated").await?;
            }
        }
        Ok(())
    }
}

/// Reels leave with their seller, and what was said with them.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeleteReels;

#[async_trait]
impl users::Farewell for DeleteReels {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        for mut reel in store::lock_of_seller(tx, user).await? {
            // Before the event, which tells the caption too.
            reel.caption.clear();
            delete(tx, reel).await?;
        }
        store::forget_seller(tx, user).await
    }
}

/// Deletes a reel, which the caller has locked; its files are used no longer.
async fn delete(tx: &Tx, mut reel: Reel) -> Result<()> {
    reel.deleted_at = Some(tx.now().micros());
    save(tx, &mut reel, "reel.deleted").await?;
    release(tx, reel.files()).await
}

async fn release(tx: &Tx, files: impl IntoIterator<Item = MediaId>) -> Result<()> {
    for file in files {
        media::release(tx, file).await?;
    }
    Ok(())
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
