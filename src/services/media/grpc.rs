//! The gRPC face of files.

use tonic::{Request, Response, Status};

use super::Media;
use super::convert::{self, media_to_pb};
use crate::db::{Answer, Tx};
use crate::grpc;
use crate::kernel::{Code, Result};
use crate::pb::souk::media::v1 as pb;
use crate::pb::souk::media::v1::media_service_server::MediaService;

type Answered<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl MediaService for Media {
    async fn create_upload(
        &self,
        request: Request<pb::CreateUploadRequest>,
    ) -> Answered<pb::CreateUploadResponse> {
        let (call, message) = grpc::open(request)?;
        let new = convert::new_upload(&message)?;
        let file = &self.prepared(&call, &new).await?;
        let write = |tx| async move {
            self.announce(&tx, file).await?;
            convert::upload_to_pb(file, self.tickets(file)?, self)
        };
        let answer = self.0.db.write(&call, write).await;
        if is_in_vain(&answer) {
            self.drop_parts(file).await;
        }
        grpc::reply(answer?)
    }

    async fn complete_upload(
        &self,
        request: Request<pb::CompleteUploadRequest>,
    ) -> Answered<pb::CompleteUploadResponse> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let parts = convert::sent_parts(message.parts);
        let looked = self.look(&call, id, &parts).await?;
        let write = |tx: Tx| async move {
            let file = self.complete(&tx, looked).await?;
            Ok(pb::CompleteUploadResponse {
                media: Some(media_to_pb(&file, self)),
            })
        };
        grpc::reply(self.0.db.write(&call, write).await?)
    }

    async fn abort_upload(
        &self,
        request: Request<pb::AbortUploadRequest>,
    ) -> Answered<pb::AbortUploadResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, id) = (&call, grpc::id("id", &message.id)?);
        let write = |tx| async move {
            self.abort(&tx, call, id).await?;
            Ok(pb::AbortUploadResponse {})
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn get_media(
        &self,
        request: Request<pb::GetMediaRequest>,
    ) -> Answered<pb::GetMediaResponse> {
        let (call, message) = grpc::open(request)?;
        let id = grpc::id("id", &message.id)?;
        let file = self.get(self.0.db.read(), &call, id).await?;
        grpc::answer(pb::GetMediaResponse {
            media: Some(media_to_pb(&file, self)),
        })
    }

    async fn delete_object(
        &self,
        request: Request<pb::DeleteObjectRequest>,
    ) -> Answered<pb::DeleteObjectResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, word) = (&call, message.key.as_str());
        let write = |tx| async move {
            self.delete(&tx, call, word).await?;
            Ok(pb::DeleteObjectResponse {})
        };
        grpc::reply(self.0.db.write(call, write).await?)
    }

    async fn upload_product_image(
        &self,
        request: Request<pb::UploadProductImageRequest>,
    ) -> Answered<pb::UploadProductImageResponse> {
        let (call, message) = grpc::open(request)?;
        let (call, new) = (&call, convert::new_image(message)?);
        let stored = &self.store_image(call, new).await?;
        let write = |tx: Tx| async move {
            let added = self.add_image(&tx, call, stored).await?;
            Ok(convert::added_to_pb(&added, self))
        };
        let answer = self.0.db.write(call, write).await;
        if !is_new(&answer) {
            self.discard(&stored.file).await;
        }
        grpc::reply(answer?)
    }
}

/// Whether a write took effect, now and not in an earlier call.
fn is_new<T>(answer: &Result<Answer<T>>) -> bool {
    answer.as_ref().is_ok_and(|answer| !answer.replayed)
}

/// Whether a write took no effect now, for certain: a commit whose answer was lost may have
/// gone through.
fn is_in_vain<T>(answer: &Result<Answer<T>>) -> bool {
    match answer {
        Ok(answer) => answer.replayed,
        Err(error) => !matches!(
            error.code(),
            Code::Unavailable | Code::DeadlineExceeded | Code::Internal
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Error, Reason};

    #[test]
    fn a_commit_whose_answer_was_lost_may_have_gone_through() {
        let failed = |reason| is_in_vain::<()>(&Err(Error::new(reason, "no")));
        for certain in [Reason::RateLimitExceeded, Reason::Conflict] {
            assert!(failed(certain), "{certain:?}");
        }
        for unknown in [Reason::Unavailable, Reason::InternalError] {
            assert!(!failed(unknown), "{unknown:?}");
        }
    }
}
