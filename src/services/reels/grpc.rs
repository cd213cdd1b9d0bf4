//! The gRPC face of reels.

use tonic::{Request, Response, Status};

use super::convert::{self, comment_to_pb, report_to_pb, stats, view_to_pb, word_to_pb};
use super::list::{Among, Filter};
use super::{Reels, moderation, words};
use crate::grpc::paging::{Paged, take_paging};
use crate::grpc::{self, Streaming};
use crate::kernel::Result;
use crate::pb::souk::reels::v1 as pb;
use crate::pb::souk::reels::v1::reel_service_server::ReelService;

type Answered<T> = Result<Response<T>, Status>;

/// Reels, comments or people of one answer at the most.
const MOST: i32 = 50;

#[tonic::async_trait]
impl ReelService for Reels {
    type WatchReelStream = Streaming<pb::WatchReelResponse>;

    async fn list_reels(
        &self,
        request: Request<pb::ListReelsRequest>,
    ) -> Answered<pb::ListReelsResponse> {
        let (call, mut message) = grpc::open(request)?;
        message.limit = Ord::min(message.limit, MOST);
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let sight = self.0.catalog.sight(&call).await?;
        let filter = convert::filter(&message, Among::Out { sight })?;
        let page = self.list(&call, &filter, &paged.page).await?;
        grpc::answer(pb::ListReelsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            reels: page.items.iter().map(view_to_pb).collect(),
        })
    }

    async fn list_my_reels(
        &self,
        request: Request<pb::ListMyReelsRequest>,
    ) -> Answered<pb::ListMyReelsResponse> {
        let (call, mut message) = grpc::open(request)?;
        message.limit = Ord::min(message.limit, MOST);
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let named = grpc::optional_id("storeId", &message.store_id)?;
        let (stores, conn) = (&self.0.stores, self.0.db.read());
        let filter = Filter::all(Among::OfStores {
            stores: stores.own_or_named(conn, &call, named).await?,
            status: convert::status(message.status()),
        });
        let page = self.list(&call, &filter, &paged.page).await?;
        grpc::answer(pb::ListMyReelsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            reels: page.items.iter().map(view_to_pb).collect(),
        })
    }

    async fn get_reel(
        &self,
        request: Request<pb::GetReelRequest>,
    ) -> Answered<pb::GetReelResponse> {
        let (call, message) = grpc::open(request)?;
        let listed = self.listed(&call, grpc::id("id", &message.id)?).await?;
        let view = self.view(self.0.db.read(), &call, listed).await?;
        grpc::answer(pb::GetReelResponse {
            reel: Some(view_to_pb(&view)),
        })
    }

    async fn create_reel(
        &self,
        request: Request<pb::CreateReelRequest>,
    ) -> Answered<pb::CreateReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, new) = (&call, &convert::new_reel(message, &self.0.media)?);
        let words = &self.words().await?;
        let write = |tx| async move {
            let view = self.create(&tx, call, new, words).await?;
            Ok(pb::CreateReelResponse {
                reel: Some(view_to_pb(&view)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn set_reel_video(
        &self,
        request: Request<pb::SetReelVideoRequest>,
    ) -> Answered<pb::SetReelVideoResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let video = &convert::video(&message.video_media_id)?;
        let thumbnail = &convert::thumbnail(&message.thumbnail_media_id)?;
        let write = |tx| async move {
            let thumbnail = thumbnail.as_ref();
            let view = self.set_video(&tx, call, id, video, thumbnail).await?;
            Ok(pb::SetReelVideoResponse {
                reel: Some(view_to_pb(&view)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn update_reel(
        &self,
        request: Request<pb::UpdateReelRequest>,
    ) -> Answered<pb::UpdateReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let (changes, words) = (&convert::changes(message)?, &self.words().await?);
        let write = |tx| async move {
            let view = self.update(&tx, call, id, changes, words).await?;
            Ok(pb::UpdateReelResponse {
                reel: Some(view_to_pb(&view)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn delete_reel(
        &self,
        request: Request<pb::DeleteReelRequest>,
    ) -> Answered<pb::DeleteReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            self.delete(&tx, call, id).await?;
            Ok(pb::DeleteReelResponse {})
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn like_reel(
        &self,
        request: Request<pb::LikeReelRequest>,
    ) -> Answered<pb::LikeReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (user, id) = (call.user()?, grpc::id("id", &message.id)?);
        self.open(&call, id).await?;
        let likes = self.0.likes.wish(&call, (id, user), true).await?;
        grpc::answer(stats::liked_to_pb(id, likes))
    }

    async fn unlike_reel(
        &self,
        request: Request<pb::UnlikeReelRequest>,
    ) -> Answered<pb::UnlikeReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (user, id) = (call.user()?, grpc::id("id", &message.id)?);
        self.unlikable(&call, (id, user)).await?;
        let likes = self.0.likes.wish(&call, (id, user), false).await?;
        grpc::answer(stats::unliked_to_pb(id, likes))
    }

    async fn list_likes(
        &self,
        request: Request<pb::ListLikesRequest>,
    ) -> Answered<pb::ListLikesResponse> {
        let (call, mut message) = grpc::open(request)?;
        message.limit = Ord::min(message.limit, MOST);
        let paging = take_paging!(message);
        let sealer = &self.0.sealer;
        let paged = Paged::new(sealer, &call, paging, &message)?;
        let id = grpc::id("id", &message.id)?;
        let (found, people) = self.likes(&call, id, &paged.page).await?;
        let users = found.items.iter().map(|like| {
            let account = people.iter().find(|it| it.user_id() == like.user);
            stats::person_to_pb(like.user, account)
        });
        grpc::answer(pb::ListLikesResponse {
            users: users.collect(),
            meta: Some(paged.meta(&found, sealer)),
        })
    }

    async fn record_view(
        &self,
        request: Request<pb::RecordViewRequest>,
    ) -> Answered<pb::RecordViewResponse> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        grpc::answer(pb::RecordViewResponse {
            counted: self.record_view(&call, id).await?,
        })
    }

    async fn list_comments(
        &self,
        request: Request<pb::ListCommentsRequest>,
    ) -> Answered<pb::ListCommentsResponse> {
        let (call, mut message) = grpc::open(request)?;
        message.limit = Ord::min(message.limit, MOST);
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let id = grpc::id("id", &message.id)?;
        let page = self.comments(&call, id, &paged.page).await?;
        grpc::answer(pb::ListCommentsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            comments: page.items.iter().map(comment_to_pb).collect(),
        })
    }

    async fn add_comment(
        &self,
        request: Request<pb::AddCommentRequest>,
    ) -> Answered<pb::AddCommentResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let (content, words) = (&message.content, &self.words().await?);
        let write = |tx| async move {
            let signed = self.comment(&tx, call, id, content, words).await?;
            Ok(pb::AddCommentResponse {
                comment: Some(comment_to_pb(&signed)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn update_comment(
        &self,
        request: Request<pb::UpdateCommentRequest>,
    ) -> Answered<pb::UpdateCommentResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let (content, words) = (&message.content, &self.words().await?);
        let write = |tx| async move {
            let signed = self.rewrite(&tx, call, id, content, words).await?;
            Ok(pb::UpdateCommentResponse {
                comment: Some(comment_to_pb(&signed)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn delete_comment(
        &self,
        request: Request<pb::DeleteCommentRequest>,
    ) -> Answered<pb::DeleteCommentResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            self.take_down(&tx, call, id).await?;
            Ok(pb::DeleteCommentResponse {})
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn watch_reel(
        &self,
        request: Request<pb::WatchReelRequest>,
    ) -> Answered<Self::WatchReelStream> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        grpc::stream(&call, self.watch(&call, id).await?)
    }

    async fn report_reel(
        &self,
        request: Request<pb::ReportReelRequest>,
    ) -> Answered<pb::ReportReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let complaint = &convert::complaint(message.reason(), message.note);
        let write = |tx| async move {
            let report = self.complain_of_reel(&tx, call, id, complaint).await?;
            Ok(pb::ReportReelResponse {
                report: Some(report_to_pb(&report)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn report_comment(
        &self,
        request: Request<pb::ReportCommentRequest>,
    ) -> Answered<pb::ReportCommentResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let complaint = &convert::complaint(message.reason(), message.note);
        let write = |tx| async move {
            let report = self.complain_of_comment(&tx, call, id, complaint).await?;
            Ok(pb::ReportCommentResponse {
                report: Some(report_to_pb(&report)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn list_reports(
        &self,
        request: Request<pb::ListReportsRequest>,
    ) -> Answered<pb::ListReportsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let status = convert::report_status(message.status());
        let page = self.reports(status, &paged.page).await?;
        grpc::answer(pb::ListReportsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            reports: page.items.iter().map(report_to_pb).collect(),
        })
    }

    async fn dismiss_report(
        &self,
        request: Request<pb::DismissReportRequest>,
    ) -> Answered<pb::DismissReportResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let report = moderation::dismiss(&tx, call, id).await?;
            Ok(pb::DismissReportResponse {
                report: Some(report_to_pb(&report)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn hide_reel(
        &self,
        request: Request<pb::HideReelRequest>,
    ) -> Answered<pb::HideReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let view = self.set_reel_hidden(&tx, call, id, true).await?;
            Ok(pb::HideReelResponse {
                reel: Some(view_to_pb(&view)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn show_reel(
        &self,
        request: Request<pb::ShowReelRequest>,
    ) -> Answered<pb::ShowReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let view = self.set_reel_hidden(&tx, call, id, false).await?;
            Ok(pb::ShowReelResponse {
                reel: Some(view_to_pb(&view)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn hide_comment(
        &self,
        request: Request<pb::HideCommentRequest>,
    ) -> Answered<pb::HideCommentResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let signed = self.set_comment_hidden(&tx, call, id, true).await?;
            Ok(pb::HideCommentResponse {
                comment: Some(comment_to_pb(&signed)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn show_comment(
        &self,
        request: Request<pb::ShowCommentRequest>,
    ) -> Answered<pb::ShowCommentResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            let signed = self.set_comment_hidden(&tx, call, id, false).await?;
            Ok(pb::ShowCommentResponse {
                comment: Some(comment_to_pb(&signed)),
            })
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn list_blocked_words(
        &self,
        request: Request<pb::ListBlockedWordsRequest>,
    ) -> Answered<pb::ListBlockedWordsResponse> {
        let (call, mut message) = grpc::open(request)?;
        let paged = Paged::new(&self.0.sealer, &call, take_paging!(message), &message)?;
        let page = self.all_words(&paged.page).await?;
        grpc::answer(pb::ListBlockedWordsResponse {
            meta: Some(paged.meta(&page, &self.0.sealer)),
            words: page.items.iter().map(word_to_pb).collect(),
        })
    }

    async fn add_blocked_word(
        &self,
        request: Request<pb::AddBlockedWordRequest>,
    ) -> Answered<pb::AddBlockedWordResponse> {
        let (call, message) = grpc::open(request)?;
        let word = &message.word;
        let write = |tx| async move {
            let word = words::add(&tx, word).await?;
            Ok(pb::AddBlockedWordResponse {
                word: Some(word_to_pb(&word)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn remove_blocked_word(
        &self,
        request: Request<pb::RemoveBlockedWordRequest>,
    ) -> Answered<pb::RemoveBlockedWordResponse> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let write = |tx| async move {
            words::remove(&tx, id).await?;
            Ok(pb::RemoveBlockedWordResponse {})
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }
}
