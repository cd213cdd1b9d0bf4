//! Files in a bucket that speaks S3: what tickets allow, how files come in, and what
//! happens while it is away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::StatusCode;
use souk::clients::blob::{Arrival, Blobs, Head, NewBlob, Part, SentPart, Ticket};
use souk::kernel::{Error, Reason};
use souk::pb::souk::media::v1::UploadProductImageRequest;

use crate::support::bucket::beginning;
use crate::support::s3::{FakeS3, Fault};
use crate::support::{TestApp, samples, until};

const LASTS: Duration = Duration::from_secs(600);
const KEY: &str = "products/p1/a.png";
const INCOMING: &str = "incoming/products/p1/a.png";

fn png(size: u64) -> NewBlob {
    NewBlob {
        key: KEY.to_owned(),
        content_type: "image/png".to_owned(),
        size,
    }
}

/// PUTs bytes by a ticket, with other headers in place of its own where `changed` names
/// them.
async fn send(
    ticket: &Ticket,
    bytes: &'static [u8],
    changed: &[(&str, &str)],
) -> reqwest::Response {
    let mut request = reqwest::Client::new().put(&ticket.url).body(bytes);
    for (name, value) in &ticket.headers {
        if changed.iter().all(|(other, _)| other != name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in changed {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn bucket() -> (TestApp, FakeS3, Arc<dyn Blobs>) {
    let (app, s3) = TestApp::on_s3().await;
    let blobs = app.running.app.blobs.clone();
    (app, s3, blobs)
}

async fn arrive(blobs: &dyn Blobs, bytes: &'static [u8]) -> Arrival {
    let ticket = blobs.ticket(&png(bytes.len() as u64), LASTS).unwrap();
    assert_eq!(send(&ticket, bytes, &[]).await.status(), StatusCode::OK);
    blobs.arrived(KEY).await.unwrap().unwrap()
}

fn reason<T>(outcome: Result<T, Error>) -> Option<Reason> {
    outcome.err().map(|error| error.reason())
}

#[tokio::test]
async fn a_ticket_is_good_for_these_bytes_once() {
    let (_app, s3, blobs) = bucket().await;
    let ticket = blobs.ticket(&png(4), LASTS).unwrap();
    let own = ("content-type", "image/png");
    let wrong = [
        (&b"12345"[..], own),
        (b"123", own),
        (b"1234", ("content-type", "text/html")),
        // Without it what is there would be replaced.
        (b"1234", ("if-none-match", "\"other\"")),
    ];
    for (bytes, changed) in wrong {
        let refused = send(&ticket, bytes, &[changed]).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{changed:?}");
    }
    let tampered = [
        ("a.png", "b.png"),
        ("X-Amz-Expires=600", "X-Amz-Expires=900"),
        ("if-none-match", "if-match"),
    ];
    for (from, to) in tampered {
        assert!(ticket.url.contains(from), "{from} in {}", ticket.url);
        let url = ticket.url.replace(from, to);
        let headers = ticket.headers.clone();
        let refused = send(&Ticket { url, headers }, b"1234", &[]).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{to}");
    }
    assert!(s3.names().is_empty());
    let sent = send(&ticket, b"1234", &[]).await;
    assert_eq!(sent.status(), StatusCode::OK);
    assert_eq!(s3.names(), [INCOMING]);
    let again = send(&ticket, b"5678", &[]).await;
    assert_eq!(again.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(s3.object(INCOMING).unwrap().bytes, "1234");
}

#[tokio::test]
async fn a_ticket_ends() {
    let (_app, s3, blobs) = bucket().await;
    let ticket = blobs.ticket(&png(4), LASTS).unwrap();
    s3.later(LASTS + Duration::from_secs(2));
    let refused = send(&ticket, b"1234", &[]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    s3.later(LASTS / 2);
    assert_eq!(send(&ticket, b"1234", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_file_is_shown_when_it_is_published() {
    let (_app, s3, blobs) = bucket().await;
    let arrival = arrive(&*blobs, b"0123456789").await;
    assert_eq!(arrival.size, 10);
    let url = blobs.url(KEY);
    let shown = |url: String| async move { reqwest::get(url).await.unwrap() };
    assert_eq!(shown(url.clone()).await.status(), StatusCode::NOT_FOUND);
    let incoming = format!("{}/{INCOMING}", s3.public_url());
    assert_eq!(shown(incoming).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(blobs.head(KEY).await.unwrap(), None);
    assert_eq!(reason(blobs.read(KEY, 0..4).await), Some(Reason::NotFound));
    assert_eq!(blobs.read_arrived(&arrival, 2..5).await.unwrap(), "234");
    assert_eq!(blobs.read_arrived(&arrival, 8..99).await.unwrap(), "89");
    assert_eq!(blobs.read_arrived(&arrival, 10..12).await.unwrap(), "");
    blobs.publish(&arrival, "image/png").await.unwrap();
    // Once more does no harm.
    blobs.publish(&arrival, "image/png").await.unwrap();
    assert_eq!(blobs.arrived(KEY).await.unwrap(), None);
    assert_eq!(s3.names(), [KEY]);
    let object = s3.object(KEY).unwrap();
    assert_eq!(object.content_type, "image/png");
    assert!(object.cache_control.contains("immutable"));
    assert_eq!(shown(url.clone()).await.text().await.unwrap(), "0123456789");
    assert_eq!(blobs.key_of(&url).as_deref(), Some(KEY));
    assert_eq!(blobs.key_of("https://elsewhere.example.com/a.png"), None);
    assert_eq!(blobs.head(KEY).await.unwrap(), Some(Head { size: 10 }));
    assert_eq!(blobs.read(KEY, 1..3).await.unwrap(), "12");
    let source = blobs.source(KEY, LASTS).unwrap();
    assert_eq!(shown(source).await.text().await.unwrap(), "0123456789");
    blobs.delete(KEY).await.unwrap();
    blobs.delete(KEY).await.unwrap();
    assert!(s3.names().is_empty());
}

#[tokio::test]
async fn bytes_that_changed_after_the_look_are_not_published() {
    let (_app, s3, blobs) = bucket().await;
    let arrival = arrive(&*blobs, b"a picture").await;
    // A provider that knows no conditions lets a second PUT through.
    s3.plant(INCOMING, b"something else");
    assert_eq!(
        reason(blobs.read_arrived(&arrival, 0..4).await),
        Some(Reason::NotFound)
    );
    let published = blobs.publish(&arrival, "image/png").await;
    assert_eq!(reason(published), Some(Reason::NotFound));
    assert_eq!(blobs.head(KEY).await.unwrap(), None);
    // And what is published stays, whatever comes in behind it.
    blobs
        .put(&png(4), Bytes::from_static(b"good"))
        .await
        .unwrap();
    blobs
        .put(&png(4), Bytes::from_static(b"evil"))
        .await
        .unwrap();
    let late = blobs.arrived(KEY).await.unwrap().unwrap();
    blobs.publish(&late, "image/png").await.unwrap();
    assert_eq!(s3.object(KEY).unwrap().bytes, "good");
    assert_eq!(s3.names(), [KEY]);
}

#[tokio::test]
async fn parts_become_one_file_when_all_are_there() {
    let (_app, s3, blobs) = bucket().await;
    let whole = png(6);
    let upload_id = &blobs.begin_parts(&whole).await.unwrap();
    let mut sent = Vec::new();
    for (number, bytes) in [(1, &b"aaaa"[..]), (2, b"bb")] {
        let size = bytes.len() as u64;
        let part = Part {
            upload_id,
            number,
            size,
        };
        let ticket = blobs.part_ticket(&whole, &part, LASTS).unwrap();
        let refused = send(&ticket, b"another size", &[]).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        let answer = send(&ticket, bytes, &[]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
        sent.push(SentPart { number, etag });
    }
    let mut other = sent.clone();
    other[1].etag = other[0].etag.clone();
    for parts in [&sent[1..], &[], &other] {
        let outcome = blobs.finish_parts(KEY, upload_id, parts).await;
        assert_eq!(reason(outcome), Some(Reason::NotFound), "{parts:?}");
    }
    s3.will([Fault::FailedLate]);
    let late = blobs.finish_parts(KEY, upload_id, &sent).await;
    assert_eq!(reason(late), Some(Reason::Unavailable));
    assert_eq!(blobs.arrived(KEY).await.unwrap(), None);
    blobs.finish_parts(KEY, upload_id, &sent).await.unwrap();
    let arrival = blobs.arrived(KEY).await.unwrap().unwrap();
    assert_eq!(blobs.read_arrived(&arrival, 0..9).await.unwrap(), "aaaabb");
    let again = blobs.finish_parts(KEY, upload_id, &sent).await;
    assert_eq!(reason(again), Some(Reason::NotFound));
    let upload_id = blobs.begin_parts(&whole).await.unwrap();
    assert_eq!(s3.uploads(), 1);
    blobs.abort_parts(KEY, &upload_id).await.unwrap();
    blobs.abort_parts(KEY, &upload_id).await.unwrap();
    assert_eq!(s3.uploads(), 0);
}

#[tokio::test]
async fn a_copy_that_fails_late_is_no_copy() {
    let (_app, s3, blobs) = bucket().await;
    let arrival = arrive(&*blobs, b"a picture").await;
    // Publishing looks first whether that is done, then copies.
    s3.will_after(1, Fault::FailedLate);
    let published = blobs.publish(&arrival, "image/png").await;
    assert_eq!(reason(published), Some(Reason::Unavailable));
    assert_eq!(s3.names(), [INCOMING]);
    blobs.publish(&arrival, "image/png").await.unwrap();
    assert_eq!(s3.object(KEY).unwrap().bytes, "a picture");
    // What cannot be taken away where it came in harms nobody.
    let arrival = arrive(&*blobs, b"another picture").await;
    s3.will_after(1, Fault::Broken);
    blobs.publish(&arrival, "image/png").await.unwrap();
    assert_eq!(s3.names(), [INCOMING, KEY]);
}

#[tokio::test]
async fn a_store_that_is_away_is_left_alone_and_nothing_else_suffers() {
    let (app, s3) = TestApp::on_s3_within(Duration::from_millis(200)).await;
    let blobs = &app.running.app.blobs;
    s3.will([Fault::Busy(7)]);
    let busy = blobs.head(KEY).await.unwrap_err();
    assert_eq!(busy.reason(), Reason::Unavailable);
    assert_eq!(busy.retry_delay(), Some(Duration::from_secs(7)));
    s3.always(Some(Fault::Silent));
    let began = Instant::now();
    assert_eq!(reason(blobs.head(KEY).await), Some(Reason::Unavailable));
    assert!(began.elapsed() < Duration::from_secs(5));
    s3.always(Some(Fault::Broken));
    for _ in 0..4 {
        assert_eq!(reason(blobs.head(KEY).await), Some(Reason::Unavailable));
    }
    // Now it is left alone: nobody waits for it any more.
    let calls = s3.calls();
    assert_eq!(reason(blobs.head(KEY).await), Some(Reason::Unavailable));
    assert_eq!(s3.calls(), calls);
    let products = app.get("/api/products", None).await;
    assert_eq!(products.status, StatusCode::OK);
    s3.always(None);
    app.advance(Duration::from_secs(31));
    assert_eq!(blobs.head(KEY).await.unwrap(), None);
}

#[tokio::test]
async fn callers_who_go_away_take_the_store_from_nobody() {
    let (_app, s3, blobs) = bucket().await;
    s3.always(Some(Fault::Silent));
    for _ in 0..20 {
        let calls = s3.calls();
        let mut call = Box::pin(blobs.head(KEY));
        until("it has come to the store", async || {
            assert!(call.as_mut().now_or_never().is_none());
            s3.calls() > calls
        })
        .await;
    }
    s3.always(None);
    assert_eq!(blobs.head(KEY).await.unwrap(), None);
}

#[tokio::test]
async fn a_picture_whose_caller_goes_away_does_not_stay_open() {
    let (app, s3) = TestApp::on_s3_within(Duration::from_millis(400)).await;
    let seller = app.seller().await;
    let product_id = seller.product("Tapis", 9000, 1).await.id;
    s3.always(Some(Fault::Silent));
    for number in 1..=2 {
        let mut request = tonic::Request::new(UploadProductImageRequest {
            product_id: product_id.clone(),
            file: samples::picture(image::ImageFormat::Png, 40, 30),
            content_type: "image/png".into(),
        });
        request.set_timeout(Duration::from_millis(200));
        let added = seller.client.media().upload_product_image(request).await;
        added.unwrap_err();
        let given_up = "SELECT count(*) FROM media WHERE status = 'DELETED'";
        until("it is given up", async || {
            app.number(given_up).await == number
        })
        .await;
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_says_nothing_of_its_files() {
    let s3 = FakeS3::start(beginning).await;
    let public_url = s3.public_url();
    let mut settings = s3.settings(&public_url);
    settings[3].1 = "another-bucket";
    let app = TestApp::adjusted(&settings, |parts| parts.blobs = None).await;
    let blobs = &app.running.app.blobs;
    for outcome in [
        blobs.read(KEY, 0..1).await.map(drop),
        blobs.delete(KEY).await,
        blobs.abort_parts(KEY, "1").await,
    ] {
        assert_eq!(reason(outcome), Some(Reason::Unavailable));
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_as_a_store_that_is_away() {
    let s3 = FakeS3::start(beginning).await;
    let public_url = s3.public_url();
    let mut settings = s3.settings(&public_url);
    settings[2].1 = "another-key-than-that-of-the-bucket";
    let app = TestApp::adjusted(&settings, |parts| parts.blobs = None).await;
    let blobs = &app.running.app.blobs;
    for outcome in [
        blobs.head(KEY).await.map(drop),
        blobs.begin_parts(&png(1)).await.map(drop),
        blobs.put(&png(1), Bytes::from_static(b"1")).await,
        blobs.delete(KEY).await,
        blobs.read(KEY, 0..1).await.map(drop),
    ] {
        assert_eq!(reason(outcome), Some(Reason::Unavailable));
    }
}
