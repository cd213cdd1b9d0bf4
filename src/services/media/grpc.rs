//! The gRPC face of files.

use tonic::{Request, Response, Status};

use super::Media;
use crate::kernel::Result;
use crate::pb::souk::media::v1 as pb;
use crate::pb::souk::media::v1::media_service_server::MediaService;

type Answered<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl MediaService for Media {
    async fn create_upload(
        &self,
        _request: Request<pb::CreateUploadRequest>,
    ) -> Answered<pb::CreateUploadResponse> {
        Err(Status::unimplemented("CreateUpload"))
    }

    async fn complete_upload(
        &self,
        _request: Request<pb::CompleteUploadRequest>,
    ) -> Answered<pb::CompleteUploadResponse> {
        Err(Status::unimplemented("CompleteUpload"))
    }

    async fn abort_upload(
        &self,
        _request: Request<pb::AbortUploadRequest>,
    ) -> Answered<pb::AbortUploadResponse> {
        Err(Status::unimplemented("AbortUpload"))
    }

    async fn get_media(
        &self,
        _request: Request<pb::GetMediaRequest>,
    ) -> Answered<pb::GetMediaResponse> {
        Err(Status::unimplemented("GetMedia"))
    }

    async fn delete_object(
        &self,
        _request: Request<pb::DeleteObjectRequest>,
    ) -> Answered<pb::DeleteObjectResponse> {
        Err(Status::unimplemented("DeleteObject"))
    }

    async fn upload_product_image(
        &self,
        _request: Request<pb::UploadProductImageRequest>,
    ) -> Answered<pb::UploadProductImageResponse> {
        Err(Status::unimplemented("UploadProductImage"))
    }
}
