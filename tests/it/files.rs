//! Files that souk itself keeps: how bytes come in by tickets, and how they are served.

use std::time::Duration;

use http::StatusCode;
use reqwest::{Method, Response};
use serde_json::Value;
use souk::clients::blob::{Blobs, NewBlob, Part, SentPart};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestApp, until};

const LASTS: Duration = Duration::from_secs(600);

impl TestApp {
    fn blobs(&self) -> &dyn Blobs {
        &*self.running.app.blobs
    }

    /// The address that takes these bytes.
    fn ticket(&self, key: &str, bytes: &[u8]) -> String {
        let blob = NewBlob {
            key: key.to_owned(),
            content_type: "image/png".to_owned(),
            size: bytes.len() as u64,
        };
        let ticket = self.blobs().ticket(&blob, LASTS).unwrap();
        assert_eq!(
            ticket.headers,
            [("content-type".to_owned(), "image/png".to_owned())]
        );
        assert!(ticket.url.starts_with(&self.url), "{}", ticket.url);
        ticket.url
    }

    async fn publish(&self, key: &str, bytes: &'static [u8]) {
        let sent = put(&self.ticket(key, bytes), bytes, "image/png").await;
        assert_eq!(sent.status(), StatusCode::OK);
        let arrival = self.blobs().arrived(key).await.unwrap().unwrap();
        self.blobs().publish(&arrival, "image/png").await.unwrap();
    }

    async fn fetch(&self, key: &str, headers: &[(&str, &str)]) -> Response {
        let path = format!("/files/{key}");
        self.ask(Method::GET, &path, None, headers, None).await
    }

    /// Says something to the port, and hears the first that it answers.
    async fn say(&self, text: &str) -> String {
        let mut stream = self.connect(text).await;
        let mut answer = vec![0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await;
        let read = read.expect("an answer").unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    async fn connect(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.running.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

async fn put(url: &str, bytes: &'static [u8], content_type: &str) -> Response {
    let client = reqwest::Client::new();
    let request = client.put(url).header("content-type", content_type);
    request.body(bytes).send().await.unwrap()
}

async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["success"], false);
    assert!(body["requestId"].as_str().is_some_and(|id| !id.is_empty()));
    (status, body["code"].as_str().unwrap().to_owned())
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_file_is_served_when_it_is_published() {
    let app = TestApp::on_folder(&[]).await;
    let url = app.ticket("p/a.png", b"0123456789");
    let sent = put(&url, b"0123456789", "image/png").await;
    assert_eq!(sent.status(), StatusCode::OK);
    assert!(header(&sent, "etag").starts_with('"'));
    for hidden in ["p/a.png", "incoming/p/a.png", "p"] {
        let refused = refusal(app.fetch(hidden, &[]).await).await;
        assert_eq!(refused, (404, "NOT_FOUND".to_owned()), "{hidden}");
    }
    let arrival = app.blobs().arrived("p/a.png").await.unwrap().unwrap();
    app.blobs().publish(&arrival, "image/png").await.unwrap();
    assert_eq!(
        app.blobs().url("p/a.png"),
        format!("{}/files/p/a.png", app.url)
    );
    let file = app
        .fetch("p/a.png", &[("origin", "https://shop.example.com")])
        .await;
    assert_eq!(file.status(), StatusCode::OK);
    let expected = [
        ("content-type", "image/png"),
        ("content-length", "10"),
        ("content-disposition", "inline"),
        ("accept-ranges", "bytes"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("access-control-allow-origin", "*"),
    ];
    for (name, value) in expected {
        assert_eq!(header(&file, name), value, "{name}");
    }
    assert!(header(&file, "access-control-expose-headers").contains("etag"));
    assert!(!header(&file, "etag").is_empty());
    assert!(header(&file, "last-modified").ends_with("GMT"));
    assert_eq!(file.text().await.unwrap(), "0123456789");
    let head = app
        .ask(Method::HEAD, "/files/p/a.png", None, &[], None)
        .await;
    assert_eq!(header(&head, "content-length"), "10");
    assert_eq!(head.text().await.unwrap(), "");
    let other = app
        .ask(Method::DELETE, "/files/p/a.png", None, &[], None)
        .await;
    assert_eq!(header(&other, "allow"), "GET, HEAD, PUT");
    assert_eq!(refusal(other).await.0, 405);
    app.blobs().delete("p/a.png").await.unwrap();
    assert_eq!(refusal(app.fetch("p/a.png", &[]).await).await.0, 404);
}

#[tokio::test]
async fn a_reader_asks_for_what_is_new_or_missing() {
    let app = TestApp::on_folder(&[]).await;
    app.publish("a.mp4", b"0123456789").await;
    let whole = app.fetch("a.mp4", &[]).await;
    assert_eq!(header(&whole, "content-type"), "video/mp4");
    let etag = header(&whole, "etag").to_owned();
    let weak = format!("W/{etag}");
    let date = header(&whole, "last-modified").to_owned();
    for condition in [
        ("if-none-match", etag.as_str()),
        ("if-none-match", &weak),
        ("if-modified-since", &date),
    ] {
        let known = app.fetch("a.mp4", &[condition]).await;
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED, "{condition:?}");
        assert_eq!(known.text().await.unwrap(), "");
    }
    let ranges = [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"),
        ("bytes=0-1,4-5", 200, "0123456789", ""),
    ];
    for (range, status, bytes, place) in ranges {
        let part = app.fetch("a.mp4", &[("range", range)]).await;
        assert_eq!(part.status().as_u16(), status, "{range}");
        assert_eq!(header(&part, "content-range"), place, "{range}");
        assert_eq!(part.text().await.unwrap(), bytes, "{range}");
    }
    let beyond = app.fetch("a.mp4", &[("range", "bytes=10-12")]).await;
    assert_eq!(header(&beyond, "content-range"), "bytes */10");
    assert_eq!(refusal(beyond).await.0, 416);
    let range = ("range", "bytes=2-4");
    let stays = [(etag.as_str(), 206), (&date, 206), ("\"other\"", 200)];
    for (part_of, status) in stays {
        let part = app.fetch("a.mp4", &[range, ("if-range", part_of)]).await;
        assert_eq!(part.status().as_u16(), status, "{part_of}");
    }
    let head = app
        .ask(Method::HEAD, "/files/a.mp4", None, &[range], None)
        .await;
    assert_eq!(head.status(), StatusCode::OK);
}

#[tokio::test]
async fn only_pictures_and_videos_are_shown() {
    let app = TestApp::on_folder(&[]).await;
    for key in ["a.html", "b.svg", "c.png.js", "d", "e.PNG"] {
        app.publish(key, b"<script>").await;
        let file = app.fetch(key, &[]).await;
        assert_eq!(header(&file, "content-type"), "application/octet-stream");
        assert_eq!(header(&file, "content-disposition"), "attachment", "{key}");
        assert_eq!(file.text().await.unwrap(), "<script>");
    }
}

#[tokio::test]
async fn bytes_come_in_as_they_were_announced_or_not_at_all() {
    let app = TestApp::on_folder(&[]).await;
    let url = app.ticket("a.png", b"1234");
    let wrong = [
        (
            url.clone(),
            &b"12345"[..],
            "image/png",
            (413, "FILE_TOO_LARGE"),
        ),
        (url.clone(), b"123", "image/png", (400, "VALIDATION_ERROR")),
        (url.clone(), b"1234", "text/html", (400, "VALIDATION_ERROR")),
        (
            url.replace("a.png", "b.png"),
            b"1234",
            "image/png",
            (403, "FORBIDDEN"),
        ),
        (format!("{url}x"), b"1234", "image/png", (403, "FORBIDDEN")),
        (
            app.blobs().url("a.png"),
            b"1234",
            "image/png",
            (403, "FORBIDDEN"),
        ),
    ];
    for (url, bytes, content_type, (status, code)) in wrong {
        let refused = refusal(put(&url, bytes, content_type).await).await;
        assert_eq!(refused, (status, code.to_owned()), "{url}");
    }
    let path = url.strip_prefix(&app.url).unwrap();
    let no_length = app
        .say(&format!(
            "PUT {path} HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\n\
             transfer-encoding: chunked\r\n\r\n4\r\n1234\r\n0\r\n\r\n"
        ))
        .await;
    assert!(no_length.starts_with("HTTP/1.1 411 "), "{no_length}");
    // One that breaks off leaves nothing behind, and may be tried again as soon as the server
    // knows of that.
    let half = format!(
        "PUT {path} HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 4\r\n\r\n12"
    );
    drop(app.connect(&half).await);
    assert_eq!(app.blobs().arrived("a.png").await.unwrap(), None);
    until("the bytes are taken", async || {
        put(&url, b"1234", "image/png").await.status() == StatusCode::OK
    })
    .await;
    let again = refusal(put(&url, b"5678", "image/png").await).await;
    assert_eq!(again, (409, "CONFLICT".to_owned()));
    let arrival = app.blobs().arrived("a.png").await.unwrap().unwrap();
    let bytes = app.blobs().read_arrived(&arrival, 0..9).await.unwrap();
    assert_eq!(bytes, "1234");
    let late = app.ticket("late.png", b"1234");
    app.advance(LASTS);
    let refused = refusal(put(&late, b"1234", "image/png").await).await;
    assert_eq!(refused, (403, "FORBIDDEN".to_owned()));
}

#[tokio::test]
async fn nothing_is_left_of_bytes_that_broke_off() {
    let app = TestApp::on_folder(&[]).await;
    let folder = app.running.app.config.data.join("files/aside");
    let count = || std::fs::read_dir(&folder).map_or(0, Iterator::count);
    let url = app.ticket("a.png", b"1234");
    let path = url.strip_prefix(&app.url).unwrap();
    let half = app
        .connect(&format!(
            "PUT {path} HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\n\
             content-length: 4\r\n\r\n12"
        ))
        .await;
    until("the bytes are written aside", async || count() == 1).await;
    drop(half);
    until("they are gone", async || count() == 0).await;
}

#[tokio::test]
async fn a_file_comes_in_by_parts() {
    let app = TestApp::on_folder(&[]).await;
    let whole = NewBlob {
        key: "v.mp4".to_owned(),
        content_type: "video/mp4".to_owned(),
        size: 6,
    };
    let upload_id = &app.blobs().begin_parts(&whole).await.unwrap();
    let mut sent = Vec::new();
    for (number, bytes) in [(1, &b"aaaa"[..]), (2, b"bb")] {
        let size = bytes.len() as u64;
        let part = Part {
            upload_id,
            number,
            size,
        };
        let ticket = app.blobs().part_ticket(&whole, &part, LASTS).unwrap();
        assert!(ticket.headers.is_empty());
        let answer = put(&ticket.url, bytes, "application/octet-stream").await;
        let etag = header(&answer, "etag").to_owned();
        sent.push(SentPart { number, etag });
    }
    let blobs = app.blobs();
    blobs.finish_parts("v.mp4", upload_id, &sent).await.unwrap();
    let arrival = blobs.arrived("v.mp4").await.unwrap().unwrap();
    blobs.publish(&arrival, "video/mp4").await.unwrap();
    assert_eq!(
        app.fetch("v.mp4", &[]).await.text().await.unwrap(),
        "aaaabb"
    );
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let app = TestApp::on_folder(&[]).await;
    app.publish("a.png", b"1").await;
    let paths = [
        "/files/",
        "/files//a.png",
        "/files/./a.png",
        "/files/../files/a.png",
        "/files/../../secrets.toml",
        "/files/%2e%2e/secrets.toml",
        "/files/..%2f..%2fsecrets.toml",
        "/files/a.png/",
        "/files/a.png%00",
        "/files/.hidden",
        "/files/incoming/a.png",
        "/files/public/a.png",
    ];
    for path in paths {
        let answer = app
            .say(&format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        let answer = app
            .say(&format!(
                "PUT {path}?token=AAAA HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n1"
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{path}: {answer}");
    }
    let answer = app
        .say("GET /files/a.png HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn addresses_begin_with_what_clients_call() {
    let app = TestApp::on_folder(&[("PUBLIC_URL", "https://shop.example.com/")]).await;
    let url = app.blobs().url("a.png");
    assert_eq!(url, "https://shop.example.com/files/a.png");
    assert_eq!(app.blobs().key_of(&url).as_deref(), Some("a.png"));
    let of_bucket = TestApp::on_s3().await.0;
    // A server that keeps nothing itself has nothing at this path.
    let answer = of_bucket.get("/files/a.png", None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("openapi.json"), "{}", answer.text);
}
