//! A reel made by real calls: its video goes through the object store.

use souk::pb::souk::media::v1::media::Purpose;
use souk::pb::souk::media::v1::{CompleteUploadRequest, CreateUploadRequest};
use souk::pb::souk::reels::v1::reel::Status;
use souk::pb::souk::reels::v1::{CreateReelRequest, GetReelRequest};

use super::shop::Shop;
use super::video;
use super::wait::pause;

/// A reel of the shop's first product, once it is READY; its id.
pub async fn reel(shop: &Shop) -> String {
    let owner = &shop.owner;
    let bytes = video::mp4();
    let request = CreateUploadRequest {
        purpose: Purpose::ReelVideo as i32,
        file_name: "bowl.mp4".to_owned(),
        content_type: "video/mp4".to_owned(),
        size: bytes.len() as i64,
        ..CreateUploadRequest::default()
    };
    let upload = owner.media().create_upload(owner.ask(request)).await;
    let upload = upload.unwrap().into_inner();
    let mut put = reqwest::Client::new().put(&upload.upload_url).body(bytes);
    for (name, value) in &upload.headers {
        put = put.header(name, value);
    }
    put.send().await.unwrap().error_for_status().unwrap();
    let id = upload.media.unwrap().id;
    let request = CompleteUploadRequest {
        id: id.clone(),
        ..CompleteUploadRequest::default()
    };
    owner
        .media()
        .complete_upload(owner.ask(request))
        .await
        .unwrap();
    let request = CreateReelRequest {
        product_id: shop.goods[0].product_id.clone(),
        caption: "Made by hand".to_owned(),
        video_media_id: id,
        ..CreateReelRequest::default()
    };
    let made = owner.reels().create_reel(owner.ask(request)).await.unwrap();
    let mut made = made.into_inner().reel.unwrap();
    while made.status() != Status::Ready {
        assert_eq!(made.status(), Status::Processing, "{made:?}");
        pause(std::time::Duration::from_millis(100)).await;
        let request = owner.ask(GetReelRequest { id: made.id });
        let read = owner.reels().get_reel(request).await.unwrap();
        made = read.into_inner().reel.unwrap();
    }
    made.id
}
