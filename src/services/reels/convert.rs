//! Reels, comments, reports and blocked words on the wire.

pub(super) mod stats;

use prost::Message;

use super::comments::Signed;
use super::life::{Changes, Given, NewReel};
use super::list::{Among, Filter};
use super::moderation::Complaint;
use super::reel::{Offer, View};
use super::state::{ReportStatus, Status};
use super::{Reel, Report, Word};
use crate::grpc;
use crate::grpc::convert::time_to_pb;
use crate::kernel::id::{BlockedWordId, MediaId, ReelCommentId, ReelId, ReelReportId, UserId};
use crate::kernel::{Result, Time};
use crate::pb::Timestamp;
use crate::pb::souk::reels::v1 as pb;
use crate::services::media::{Media, Named};
use stats::{person_to_pb, stats_to_pb};

/// The length of a video that nobody told, in seconds.
const DEFAULT_DURATION: i32 = 30;
/// Pieces that are told at the most.
const AVAILABLE_MAX: i32 = 100;

/// A reel as a caller is shown it.
pub fn view_to_pb(view: &View) -> pb::Reel {
    pb::Reel {
        stats: Some(stats_to_pb(&view.stats)),
        is_liked: view.is_liked,
        product: view.offer.as_ref().map(offer_to_pb),
        ..reel_to_pb(&view.reel)
    }
}

/// A reel as it is by itself.
fn reel_to_pb(reel: &Reel) -> pb::Reel {
    pb::Reel {
        id: reel.reel_id().to_string(),
        product_id: reel.product().to_string(),
        store_id: reel.store().to_string(),
        seller_id: reel.seller().to_string(),
        caption: reel.caption.clone(),
        video_url: reel.video_url.clone(),
        thumbnail_url: reel.thumbnail_url.clone(),
        duration: reel.duration_ms.map_or(DEFAULT_DURATION, seconds),
        size: reel.size,
        width: reel.width,
        height: reel.height,
        status: status_to_pb(reel.status()).into(),
        failure: reel.failure.clone(),
        hidden: reel.hidden,
        version: i32::try_from(reel.version).unwrap_or(i32::MAX),
        created_at: Some(instant(reel.created_at)),
        updated_at: Some(instant(reel.updated_at)),
        stats: None,
        is_liked: None,
        product: None,
    }
}

/// Rounded, but never nothing.
fn seconds(millis: i32) -> i32 {
    let rounded = millis / 1000 + i32::from(millis % 1000 >= 500);
    rounded.max(1)
}

/// What those who follow a reel receive of a change.
pub fn event(reel: &Reel) -> Vec<u8> {
    reel_to_pb(reel).encode_to_vec()
}

fn offer_to_pb(offer: &Offer) -> pb::ReelProduct {
    let Offer { item, available } = offer;
    pb::ReelProduct {
        name: item.name.clone(),
        slug: item.slug.clone(),
        image: item.image.clone(),
        price: item.price,
        original_price: item.price_before,
        currency: item.currency.to_string(),
        in_stock: *available > 0,
        available: Ord::min(*available, AVAILABLE_MAX),
        min_order_quantity: item.min_order_quantity,
    }
}

/// A comment with its author.
pub fn comment_to_pb(signed: &Signed) -> pb::ReelComment {
    let Signed { comment, author } = signed;
    pb::ReelComment {
        id: ReelCommentId::from(comment.id).to_string(),
        reel_id: ReelId::from(comment.reel_id).to_string(),
        user: Some(person_to_pb(comment.user_id.into(), author.as_ref())),
        content: comment.content.clone(),
        edited: comment.edited,
        hidden: comment.hidden,
        created_at: Some(instant(comment.created_at)),
        updated_at: Some(instant(comment.updated_at)),
    }
}

/// A report.
pub fn report_to_pb(report: &Report) -> pb::ReelReport {
    // The words of the table are those of the contract.
    let reason = pb::reel_report::Reason::from_str_name(&report.reason);
    let status = pb::reel_report::Status::from_str_name(&report.status);
    pb::ReelReport {
        id: ReelReportId::from(report.id).to_string(),
        reel_id: ReelId::from(report.reel_id).to_string(),
        comment_id: report
            .comment_id
            .map(|id| ReelCommentId::from(id).to_string()),
        reporter_id: UserId::from(report.reporter_id).to_string(),
        reason: reason.unwrap_or_default().into(),
        note: report.note.clone(),
        content: report.content.clone(),
        status: status.unwrap_or_default().into(),
        created_at: Some(instant(report.created_at)),
    }
}

/// A blocked word.
pub fn word_to_pb(word: &Word) -> pb::BlockedWord {
    pb::BlockedWord {
        id: BlockedWordId::from(word.id).to_string(),
        word: word.word.clone(),
        created_at: Some(instant(word.created_at)),
    }
}

/// The reels of which a request asks for some, among those that it may.
pub fn filter(message: &pb::ListReelsRequest, among: Among) -> Result<Filter> {
    Ok(Filter {
        store: grpc::optional_id("storeId", &message.store_id)?,
        product: grpc::optional_id("productId", &message.product_id)?,
        seller: grpc::optional_id("sellerId", &message.seller_id)?,
        ..Filter::all(among)
    })
}

/// A reel to be made.
pub fn new_reel(message: pb::CreateReelRequest, media: &Media) -> Result<NewReel> {
    let by_id = by_id("videoMediaId", &message.video_media_id)?;
    let (path, url) = (message.video_storage_path, &message.video_url);
    let video = match by_id {
        Some(given) => Some(given),
        None if !path.is_empty() => Some(Given {
            file: Named::Key(path),
            field: "videoStoragePath",
        }),
        None => by_url(media, "videoUrl", url)?,
    };
    let thumbnail = thumbnail(&message.thumbnail_media_id)?;
    Ok(NewReel {
        product: grpc::id("productId", &message.product_id)?,
        caption: message.caption,
        video,
        thumbnail: match thumbnail {
            Some(given) => Some(given),
            None => by_url(media, "thumbnailUrl", &message.thumbnail_url)?,
        },
        duration_ms: message.duration.map(|seconds| seconds.saturating_mul(1000)),
    })
}

/// What is to change of a reel.
pub fn changes(message: pb::UpdateReelRequest) -> Result<Changes> {
    Ok(Changes {
        caption: message.caption,
        thumbnail: thumbnail(message.thumbnail_media_id.as_deref().unwrap_or_default())?,
    })
}

/// The video of a request that must name one.
pub fn video(id: &str) -> Result<Given> {
    let field = "videoMediaId";
    let file = Named::Id(grpc::id(field, id)?);
    Ok(Given { file, field })
}

/// The picture of a request that may name one.
pub fn thumbnail(id: &str) -> Result<Option<Given>> {
    by_id("thumbnailMediaId", id)
}

fn by_id(field: &'static str, id: &str) -> Result<Option<Given>> {
    let id: Option<MediaId> = grpc::optional_id(field, id)?;
    Ok(id.map(Named::Id).map(|file| Given { file, field }))
}

fn by_url(media: &Media, field: &'static str, url: &str) -> Result<Option<Given>> {
    let url = Some(url).filter(|url| !url.is_empty());
    let file = url.map(|url| media.named_by_url(field, url)).transpose()?;
    Ok(file.map(|file| Given { file, field }))
}

/// Why somebody reports something. The rules of the contract let no unknown reason in.
pub fn complaint(reason: pb::reel_report::Reason, note: String) -> Complaint {
    Complaint {
        reason: reason.as_str_name(),
        note,
    }
}

/// The status that a filter of reports names; none for any.
pub const fn report_status(status: pb::reel_report::Status) -> Option<ReportStatus> {
    match status {
        pb::reel_report::Status::Unspecified => None,
        pb::reel_report::Status::Open => Some(ReportStatus::Open),
        pb::reel_report::Status::Upheld => Some(ReportStatus::Upheld),
        pb::reel_report::Status::Dismissed => Some(ReportStatus::Dismissed),
    }
}

/// The status that a filter of reels names; none for any.
pub const fn status(status: pb::reel::Status) -> Option<Status> {
    match status {
        pb::reel::Status::Unspecified => None,
        pb::reel::Status::Draft => Some(Status::Draft),
        pb::reel::Status::Processing => Some(Status::Processing),
        pb::reel::Status::Ready => Some(Status::Ready),
        pb::reel::Status::Failed => Some(Status::Failed),
    }
}

const fn status_to_pb(status: Status) -> pb::reel::Status {
    match status {
        Status::Draft => pb::reel::Status::Draft,
        Status::Processing => pb::reel::Status::Processing,
        Status::Ready => pb::reel::Status::Ready,
        Status::Failed => pb::reel::Status::Failed,
    }
}

fn instant(micros: i64) -> Timestamp {
    time_to_pb(Time::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_in_whole_seconds_of_which_there_is_at_least_one() {
        for (millis, told) in [
            (1, 1),
            (1499, 1),
            (1500, 2),
            (59_999, 60),
            (i32::MAX, 2_147_484),
        ] {
            assert_eq!(seconds(millis), told, "{millis}");
        }
    }
}
