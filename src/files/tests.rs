use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;

use super::receive::{Pace, take};
use crate::clients::blob::{Blobs, LocalBlobs, NewBlob, Receiving};
use crate::kernel::seal::Sealer;
use crate::kernel::{Clock, Error, Secret};

const PACE: Pace = Pace {
    silence: Duration::from_millis(200),
    total: Duration::from_millis(400),
};

/// A file of three bytes that is about to come in.
async fn receiving(data: &std::path::Path) -> Receiving {
    let sealer = Sealer::new(Secret::new(b"key".to_vec()));
    let blobs = LocalBlobs::new(data.to_owned(), String::new(), sealer, Clock::system());
    let new = NewBlob {
        key: "a".to_owned(),
        content_type: "image/png".to_owned(),
        size: 3,
    };
    let ticket = blobs.ticket(&new, Duration::from_secs(60)).unwrap();
    let token = ticket.url.split_once("?token=").unwrap().1;
    let permit = blobs.permit("a", token).unwrap();
    blobs.receive(&permit).await.unwrap()
}

fn piece() -> Result<Frame<Bytes>, Error> {
    Ok(Frame::data(Bytes::from_static(b"x")))
}

#[tokio::test]
async fn a_client_that_falls_silent_is_not_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let silent = stream::pending::<Result<Frame<Bytes>, Error>>();
    let refused = take(StreamBody::new(silent), receiving(data.path()).await, PACE);
    let refused = refused.await.unwrap_err();
    assert_eq!(refused.reason(), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_client_that_drips_is_not_waited_for_without_end() {
    let data = tempfile::tempdir().unwrap();
    // It says nothing at all, in many frames, so that it is never silent for long.
    let drip = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, Error>(Frame::data(Bytes::new())), ()))
    });
    let body = StreamBody::new(Box::pin(drip));
    let refused = take(body, receiving(data.path()).await, PACE).await;
    assert_eq!(refused.unwrap_err().reason(), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn what_comes_in_time_is_taken() {
    let data = tempfile::tempdir().unwrap();
    let body = StreamBody::new(stream::iter([piece(), piece(), piece()]));
    let etag = take(body, receiving(data.path()).await, PACE)
        .await
        .unwrap();
    assert!(etag.starts_with('"'), "{etag}");
    let broken = stream::iter([piece(), Err(Error::internal("gone"))]);
    let refused = take(
        StreamBody::new(broken),
        receiving(tempfile::tempdir().unwrap().path()).await,
        PACE,
    );
    assert_eq!(refused.await.unwrap_err().reason(), "VALIDATION_ERROR");
}
