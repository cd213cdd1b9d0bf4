//! The gRPC face of reels.

use tonic::{Request, Response, Status};

use super::Reels;
use super::convert::reception;
use crate::grpc::paging::{Paged, take_paging};
use crate::grpc::{self, Streaming};
use crate::kernel::Result;
use crate::pb::souk::reels::v1 as pb;
use crate::pb::souk::reels::v1::reel_service_server::ReelService;

type Answered<T> = Result<Response<T>, Status>;

/// People on a page of likes at the most.
const LIKES_MAX: i32 = 50;

#[tonic::async_trait]
impl ReelService for Reels {
    type WatchReelStream = Streaming<pb::WatchReelResponse>;

    async fn list_reels(
        &self,
        _request: Request<pb::ListReelsRequest>,
    ) -> Answered<pb::ListReelsResponse> {
        Err(Status::unimplemented("ListReels"))
    }

    async fn list_my_reels(
        &self,
        _request: Request<pb::ListMyReelsRequest>,
    ) -> Answered<pb::ListMyReelsResponse> {
        Err(Status::unimplemented("ListMyReels"))
    }

    async fn get_reel(
        &self,
        _request: Request<pb::GetReelRequest>,
    ) -> Answered<pb::GetReelResponse> {
        Err(Status::unimplemented("GetReel"))
    }

    async fn create_reel(
        &self,
        _request: Request<pb::CreateReelRequest>,
    ) -> Answered<pb::CreateReelResponse> {
        Err(Status::unimplemented("CreateReel"))
    }

    async fn set_reel_video(
        &self,
        _request: Request<pb::SetReelVideoRequest>,
    ) -> Answered<pb::SetReelVideoResponse> {
        Err(Status::unimplemented("SetReelVideo"))
    }

    async fn update_reel(
        &self,
        _request: Request<pb::UpdateReelRequest>,
    ) -> Answered<pb::UpdateReelResponse> {
        Err(Status::unimplemented("UpdateReel"))
    }

    async fn delete_reel(
        &self,
        _request: Request<pb::DeleteReelRequest>,
    ) -> Answered<pb::DeleteReelResponse> {
        Err(Status::unimplemented("DeleteReel"))
    }

    async fn like_reel(
        &self,
        request: Request<pb::LikeReelRequest>,
    ) -> Answered<pb::LikeReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (user, id) = (call.user()?, grpc::id("id", &message.id)?);
        self.open(&call, id).await?;
        let likes = self.0.likes.wish(&call, (id, user), true).await?;
        grpc::answer(reception::liked_to_pb(id, likes))
    }

    async fn unlike_reel(
        &self,
        request: Request<pb::UnlikeReelRequest>,
    ) -> Answered<pb::UnlikeReelResponse> {
        let (call, message) = grpc::open(request)?;
        let (user, id) = (call.user()?, grpc::id("id", &message.id)?);
        self.open(&call, id).await?;
        let likes = self.0.likes.wish(&call, (id, user), false).await?;
        grpc::answer(reception::unliked_to_pb(id, likes))
    }

    async fn list_likes(
        &self,
        request: Request<pb::ListLikesRequest>,
    ) -> Answered<pb::ListLikesResponse> {
        let (call, mut message) = grpc::open(request)?;
        message.limit = Ord::min(message.limit, LIKES_MAX);
        let paging = take_paging!(message);
        let sealer = &self.0.sealer;
        let paged = Paged::new(sealer, &call, paging, &message)?;
        let id = grpc::id("id", &message.id)?;
        let (found, people) = self.likes(&call, id, &paged.page).await?;
        let users = found.items.iter().map(|like| {
            let account = people.iter().find(|it| it.user_id() == like.user);
            reception::person_to_pb(like.user, account)
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
            counted: self.view(&call, id).await?,
        })
    }

    async fn list_comments(
        &self,
        _request: Request<pb::ListCommentsRequest>,
    ) -> Answered<pb::ListCommentsResponse> {
        Err(Status::unimplemented("ListComments"))
    }

    async fn add_comment(
        &self,
        _request: Request<pb::AddCommentRequest>,
    ) -> Answered<pb::AddCommentResponse> {
        Err(Status::unimplemented("AddComment"))
    }

    async fn update_comment(
        &self,
        _request: Request<pb::UpdateCommentRequest>,
    ) -> Answered<pb::UpdateCommentResponse> {
        Err(Status::unimplemented("UpdateComment"))
    }

    async fn delete_comment(
        &self,
        _request: Request<pb::DeleteCommentRequest>,
    ) -> Answered<pb::DeleteCommentResponse> {
        Err(Status::unimplemented("DeleteComment"))
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
        _request: Request<pb::ReportReelRequest>,
    ) -> Answered<pb::ReportReelResponse> {
        Err(Status::unimplemented("ReportReel"))
    }

    async fn report_comment(
        &self,
        _request: Request<pb::ReportCommentRequest>,
    ) -> Answered<pb::ReportCommentResponse> {
        Err(Status::unimplemented("ReportComment"))
    }

    async fn list_reports(
        &self,
        _request: Request<pb::ListReportsRequest>,
    ) -> Answered<pb::ListReportsResponse> {
        Err(Status::unimplemented("ListReports"))
    }

    async fn dismiss_report(
        &self,
        _request: Request<pb::DismissReportRequest>,
    ) -> Answered<pb::DismissReportResponse> {
        Err(Status::unimplemented("DismissReport"))
    }

    async fn hide_reel(
        &self,
        _request: Request<pb::HideReelRequest>,
    ) -> Answered<pb::HideReelResponse> {
        Err(Status::unimplemented("HideReel"))
    }

    async fn show_reel(
        &self,
        _request: Request<pb::ShowReelRequest>,
    ) -> Answered<pb::ShowReelResponse> {
        Err(Status::unimplemented("ShowReel"))
    }

    async fn hide_comment(
        &self,
        _request: Request<pb::HideCommentRequest>,
    ) -> Answered<pb::HideCommentResponse> {
        Err(Status::unimplemented("HideComment"))
    }

    async fn show_comment(
        &self,
        _request: Request<pb::ShowCommentRequest>,
    ) -> Answered<pb::ShowCommentResponse> {
        Err(Status::unimplemented("ShowComment"))
    }

    async fn list_blocked_words(
        &self,
        _request: Request<pb::ListBlockedWordsRequest>,
    ) -> Answered<pb::ListBlockedWordsResponse> {
        Err(Status::unimplemented("ListBlockedWords"))
    }

    async fn add_blocked_word(
        &self,
        _request: Request<pb::AddBlockedWordRequest>,
    ) -> Answered<pb::AddBlockedWordResponse> {
        Err(Status::unimplemented("AddBlockedWord"))
    }

    async fn remove_blocked_word(
        &self,
        _request: Request<pb::RemoveBlockedWordRequest>,
    ) -> Answered<pb::RemoveBlockedWordResponse> {
        Err(Status::unimplemented("RemoveBlockedWord"))
    }
}
