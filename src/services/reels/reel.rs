//! A reel, what becomes of it, and who sees it. Pure.

use super::Reel;
use super::state::{Status, Step};
use super::store::stats::Stats;
use crate::kernel::id::{MediaId, ProductId, ReelId, StoreId, UserId};
use crate::kernel::{Result, Time};
use crate::services::catalog::{self, SaleItem};
use crate::services::media::Shown;
use crate::services::users::SellerCategory;

/// A reel with what its product says of who sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The reel.
    pub reel: Reel,
    /// The status of its product.
    pub product_status: String,
    /// Whether its store is open to everyone.
    pub store_visible: bool,
    /// The tier of its seller; empty without one.
    pub tier: String,
}

/// What a reel sells, as it is sold now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The product.
    pub item: SaleItem,
    /// Pieces that can be bought.
    pub available: i32,
}

/// A reel as a caller is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The reel.
    pub reel: Reel,
    /// How it is received.
    pub stats: Stats,
    /// Whether the caller likes it; unknown of guests.
    pub is_liked: Option<bool>,
    /// What it sells; nothing while that is not on sale.
    pub offer: Option<Offer>,
}

impl Listed {
    /// Whether the product can be bought.
    pub fn is_on_sale(&self) -> bool {
        self.product_status == catalog::Status::Active.as_str() && self.store_visible
    }

    /// Whether anybody beside its store sees it.
    pub fn is_out(&self) -> bool {
        self.reel.status() == Status::Ready && !self.reel.hidden && self.is_on_sale()
    }

    /// The tier of its seller.
    pub fn tier(&self) -> Option<SellerCategory> {
        SellerCategory::from_word(&self.tier)
    }
}

impl Reel {
    /// A draft of a product of a store.
    pub(super) fn draft(
        product: ProductId,
        store: StoreId,
        seller: UserId,
        caption: &str,
        now: Time,
    ) -> Self {
        Self {
            id: ReelId::new(now).uuid(),
            product_id: product.uuid(),
            store_id: store.uuid(),
            seller_id: seller.uuid(),
            status: Status::Draft.as_str().to_owned(),
            caption: caption.to_owned(),
            video_media_id: None,
            thumbnail_media_id: None,
            next_thumbnail_media_id: None,
            video_url: String::new(),
            thumbnail_url: String::new(),
            duration_ms: None,
            size: 0,
            width: None,
            height: None,
            failure: String::new(),
            hidden: false,
            version: 1,
            published_at: None,
            created_at: now.micros(),
            updated_at: now.micros(),
            deleted_at: None,
        }
    }

    /// The typed id.
    pub fn reel_id(&self) -> ReelId {
        self.id.into()
    }

    /// The product that it shows.
    pub fn product(&self) -> ProductId {
        self.product_id.into()
    }

    /// The store that sells it.
    pub fn store(&self) -> StoreId {
        self.store_id.into()
    }

    /// The owner of that store.
    pub fn seller(&self) -> UserId {
        self.seller_id.into()
    }

    /// Where it is in its life. The table knows no other word; if it did, nobody would be
    /// shown it.
    pub fn status(&self) -> Status {
        Status::from_word(&self.status).unwrap_or(Status::Failed)
    }

    /// Takes a video, and is shown when that is measured already.
    ///
    /// # Errors
    /// INVALID_STATUS_TRANSITION when it has one.
    pub(super) fn take_video(&mut self, video: &Shown, now: Time) -> Result<()> {
        self.step(Step::TakeVideo)?;
        self.video_media_id = Some(video.id.uuid());
        self.size = video.size;
        if video.is_ready {
            self.show(video, now)?;
        }
        Ok(())
    }

    /// Takes a picture that stands for it, at once or when that is measured; answers the
    /// files that it shows no longer.
    pub(super) fn take_thumbnail(&mut self, picture: &Shown) -> Vec<MediaId> {
        let id = Some(picture.id.uuid());
        let waited = std::mem::replace(&mut self.next_thumbnail_media_id, id);
        let mut former = vec![waited];
        if picture.is_ready {
            former.push(self.show_thumbnail(picture).map(MediaId::uuid));
        }
        former.into_iter().flatten().map(MediaId::from).collect()
    }

    /// Its new picture is measured and stands for it from now on; answers the one before.
    pub(super) fn show_thumbnail(&mut self, picture: &Shown) -> Option<MediaId> {
        self.thumbnail_url.clone_from(&picture.url);
        let next = self.next_thumbnail_media_id.take();
        let former = std::mem::replace(&mut self.thumbnail_media_id, next);
        former.map(MediaId::from)
    }

    /// Whether the file is its video.
    pub(super) fn is_video(&self, file: MediaId) -> bool {
        self.video_media_id == Some(file.uuid())
    }

    /// The files that it shows, or is to show.
    pub(super) fn files(&self) -> impl Iterator<Item = MediaId> {
        let pictures = [self.thumbnail_media_id, self.next_thumbnail_media_id];
        let files = std::iter::once(self.video_media_id).chain(pictures);
        files.flatten().map(MediaId::from)
    }

    /// Its video is measured: from now on it is shown.
    ///
    /// # Errors
    /// INVALID_STATUS_TRANSITION when it has no video, or none of use.
    pub(super) fn show(&mut self, video: &Shown, now: Time) -> Result<()> {
        self.step(Step::Measure)?;
        self.video_url.clone_from(&video.url);
        if self.thumbnail_media_id.is_none() {
            self.thumbnail_url.clone_from(&video.thumbnail_url);
        }
        self.duration_ms = video.duration_ms.or(self.duration_ms);
        (self.width, self.height) = (video.width, video.height);
        self.published_at = Some(self.published_at.unwrap_or(now.micros()));
        Ok(())
    }

    /// Its video cannot be used.
    ///
    /// # Errors
    /// INVALID_STATUS_TRANSITION when it is shown.
    pub(super) fn fail(&mut self, failure: &str) -> Result<()> {
        self.step(Step::Fail)?;
        failure.clone_into(&mut self.failure);
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<()> {
        self.status = self.status().after(step)?.as_str().to_owned();
        self.failure.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NOW, picture, reel, video};
    use super::*;

    #[test]
    fn a_measured_video_shows_the_reel_at_once_and_another_one_later() {
        let mut reel = reel();
        reel.take_video(&video(true), NOW).unwrap();
        assert_eq!(reel.status(), Status::Ready);
        assert_eq!(reel.video_url, "https://files/video.mp4");
        assert_eq!(reel.thumbnail_url, "https://files/poster.jpg");
        assert_eq!(reel.published_at, Some(NOW.micros()));

        let mut reel = super::super::testing::reel();
        reel.duration_ms = Some(7000);
        let mut plain = video(false);
        plain.duration_ms = None;
        reel.take_video(&plain, NOW).unwrap();
        assert_eq!(
            (reel.status(), reel.video_url.as_str()),
            (Status::Processing, "")
        );
        reel.show(&plain, NOW).unwrap();
        assert_eq!(
            (reel.status(), reel.duration_ms),
            (Status::Ready, Some(7000))
        );
    }

    #[test]
    fn a_failed_reel_takes_another_video_and_forgets_why_it_failed() {
        let mut reel = reel();
        reel.take_video(&video(false), NOW).unwrap();
        reel.fail("holds no video").unwrap();
        assert_eq!(reel.failure, "holds no video");
        reel.take_video(&video(false), NOW).unwrap();
        assert_eq!(
            (reel.status(), reel.failure.as_str()),
            (Status::Processing, "")
        );
        assert!(reel.take_video(&video(true), NOW).is_err());
    }

    #[test]
    fn the_sellers_picture_goes_before_the_one_of_the_video() {
        let mut reel = reel();
        let mut picture = video(true);
        picture.url = "https://files/own.jpg".to_owned();
        assert_eq!(reel.take_thumbnail(&picture), []);
        reel.take_video(&video(true), NOW).unwrap();
        assert_eq!(reel.thumbnail_url, "https://files/own.jpg");
    }

    #[test]
    fn a_new_picture_takes_the_place_of_the_old_one_when_it_is_measured() {
        let (old, second, third) = (picture(), picture(), picture());
        let [second, third] = [second, third].map(|picture| Shown {
            is_ready: false,
            url: format!("https://files/{}.jpg", picture.id),
            ..picture
        });
        let mut reel = reel();
        reel.take_thumbnail(&old);
        assert_eq!(reel.take_thumbnail(&second), []);
        assert_eq!(reel.thumbnail_url, old.url);
        assert_eq!(reel.take_thumbnail(&third), [second.id]);
        assert_eq!(reel.show_thumbnail(&third), Some(old.id));
        assert_eq!(reel.thumbnail_url, third.url);
        assert_eq!(reel.files().collect::<Vec<_>>(), [third.id]);
        assert_eq!(reel.take_thumbnail(&old), [third.id]);
    }

    #[test]
    fn a_reel_is_out_when_nothing_keeps_it_back() {
        let mut shown = reel();
        shown.take_video(&video(true), NOW).unwrap();
        let listed = Listed {
            reel: shown,
            product_status: "ACTIVE".to_owned(),
            store_visible: true,
            tier: "GROSSISTE".to_owned(),
        };
        assert!(listed.is_out());
        let change = |change: fn(&mut Listed)| {
            let mut changed = listed.clone();
            change(&mut changed);
            changed.is_out()
        };
        assert!(!change(|it| it.reel.hidden = true));
        assert!(!change(|it| it.reel.status = "PROCESSING".to_owned()));
        assert!(!change(|it| it.product_status = "INACTIVE".to_owned()));
        assert!(!change(|it| it.store_visible = false));
    }
}
