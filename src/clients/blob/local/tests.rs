use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::kernel::{Secret, Time};

const LASTS: Duration = Duration::from_secs(600);
const BASE: &str = "http://127.0.0.1:4000";

struct Place {
    data: TempDir,
    clock: Clock,
    blobs: LocalBlobs,
}

fn place() -> Place {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Time::from_micros(1_000_000));
    let sealer = Sealer::new(Secret::new(b"key".to_vec()));
    let root = data.path().join("files");
    let blobs = LocalBlobs::new(root, BASE.to_owned(), sealer, clock.clone());
    Place { data, clock, blobs }
}

fn blob(key: &str, bytes: &[u8]) -> NewBlob {
    NewBlob {
        key: key.to_owned(),
        content_type: "image/png".to_owned(),
        size: bytes.len() as u64,
    }
}

impl Place {
    fn permit(&self, ticket: &Ticket) -> Result<Permit> {
        let rest = ticket.url.strip_prefix(&format!("{BASE}/files/")).unwrap();
        let (key, token) = rest.split_once("?token=").unwrap();
        self.blobs.permit(key, token)
    }

    /// PUTs bytes by a ticket, in two pieces.
    async fn send(&self, ticket: &Ticket, bytes: &[u8]) -> Result<String> {
        let mut receiving = self.blobs.receive(&self.permit(ticket)?).await?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        receiving.write(Bytes::copy_from_slice(first)).await?;
        receiving.write(Bytes::copy_from_slice(second)).await?;
        receiving.finish().await
    }

    async fn arrive(&self, key: &str, bytes: &[u8]) -> Arrival {
        let ticket = self.blobs.ticket(&blob(key, bytes), LASTS).unwrap();
        self.send(&ticket, bytes).await.unwrap();
        self.blobs.arrived(key).await.unwrap().unwrap()
    }

    /// How many files lie in the whole folder, hidden ones too.
    fn files(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap());
            entries
                .map(|entry| match entry.file_type().unwrap().is_dir() {
                    true => count(&entry.path()),
                    false => 1,
                })
                .sum()
        }
        count(self.data.path())
    }
}

fn reason<T>(outcome: Result<T>) -> Option<Reason> {
    outcome.err().map(|error| error.reason())
}

#[tokio::test]
async fn a_file_arrives_is_looked_at_and_is_published() {
    let place = place();
    let blobs = &place.blobs;
    let arrival = place.arrive("a/b.png", b"0123456789").await;
    assert_eq!(arrival.size, 10);
    assert_eq!(blobs.head("a/b.png").await.unwrap(), None);
    assert_eq!(
        reason(blobs.read("a/b.png", 0..4).await),
        Some(Reason::NotFound)
    );
    assert_eq!(blobs.read_arrived(&arrival, 2..5).await.unwrap(), "234");
    assert_eq!(blobs.read_arrived(&arrival, 8..100).await.unwrap(), "89");
    blobs.publish(&arrival, "image/png").await.unwrap();
    assert_eq!(blobs.arrived("a/b.png").await.unwrap(), None);
    assert_eq!(
        blobs.head("a/b.png").await.unwrap(),
        Some(Head { size: 10 })
    );
    assert_eq!(blobs.read("a/b.png", 0..4).await.unwrap(), "0123");
    assert_eq!(blobs.read("a/b.png", 10..12).await.unwrap(), "");
    let source = blobs.source("a/b.png", LASTS).unwrap();
    assert_eq!(std::fs::read(source).unwrap(), b"0123456789");
    // Once more does no harm.
    blobs.publish(&arrival, "image/png").await.unwrap();
    assert_eq!(place.files(), 1);
}

#[tokio::test]
async fn bytes_that_changed_after_the_look_are_not_published() {
    let place = place();
    let mut arrival = place.arrive("a.png", b"good").await;
    arrival.etag = "\"another\"".to_owned();
    let blobs = &place.blobs;
    assert_eq!(
        reason(blobs.publish(&arrival, "").await),
        Some(Reason::NotFound)
    );
    assert_eq!(
        reason(blobs.read_arrived(&arrival, 0..2).await),
        Some(Reason::NotFound)
    );
    assert_eq!(blobs.head("a.png").await.unwrap(), None);
}

#[tokio::test]
async fn a_key_takes_bytes_once() {
    let place = place();
    let (one, other) = (b"first", b"other");
    let ticket = place.blobs.ticket(&blob("a.png", one), LASTS).unwrap();
    // One that breaks off leaves nothing, and the next one works.
    let permit = place.permit(&ticket).unwrap();
    let mut broken = place.blobs.receive(&permit).await.unwrap();
    broken.write(Bytes::from_static(b"fi")).await.unwrap();
    // Nobody sends the same meanwhile.
    let both = place.blobs.receive(&permit).await;
    assert_eq!(reason(both), Some(Reason::Conflict));
    assert_eq!(reason(broken.finish().await), Some(Reason::ValidationError));
    assert_eq!(place.blobs.arrived("a.png").await.unwrap(), None);
    place.send(&ticket, one).await.unwrap();
    assert_eq!(
        reason(place.send(&ticket, other).await),
        Some(Reason::Conflict)
    );
    let arrival = place.blobs.arrived("a.png").await.unwrap().unwrap();
    place.blobs.publish(&arrival, "image/png").await.unwrap();
    assert_eq!(
        reason(place.send(&ticket, other).await),
        Some(Reason::Conflict)
    );
    assert_eq!(place.blobs.read("a.png", 0..9).await.unwrap(), "first");
    assert_eq!(place.files(), 1);
}

#[tokio::test]
async fn who_may_send_is_decided_before_what_is_there() {
    let place = place();
    let new = blob("a.png", b"first");
    let ticket = place.blobs.ticket(&new, LASTS).unwrap();
    let permit = place.permit(&ticket).unwrap();
    let sending = place.blobs.receive(&permit).await.unwrap();
    let bytes = Bytes::from_static(b"first");
    place.blobs.put(&new, bytes).await.unwrap();
    let told = async || match place.blobs.receive(&permit).await {
        Ok(_) => String::new(),
        Err(error) => error.message().to_owned(),
    };
    assert_eq!(told().await, "these bytes are being sent already");
    drop(sending);
    assert!(told().await.starts_with("the file is there already"));
}

#[tokio::test]
async fn more_bytes_than_announced_are_not_taken() {
    let place = place();
    let ticket = place.blobs.ticket(&blob("a.png", b"1234"), LASTS).unwrap();
    let sent = place.send(&ticket, b"12345").await;
    assert_eq!(reason(sent), Some(Reason::FileTooLarge));
    assert_eq!(place.blobs.arrived("a.png").await.unwrap(), None);
}

#[tokio::test]
async fn a_ticket_is_good_for_its_key_and_its_time() {
    let place = place();
    let ticket = place.blobs.ticket(&blob("a.png", b"1"), LASTS).unwrap();
    let permit = place.permit(&ticket).unwrap();
    assert_eq!((permit.size, permit.key.as_str()), (1, "a.png"));
    let token = ticket.url.split_once("?token=").unwrap().1;
    for (key, token) in [("b.png", token), ("a.png", ""), ("a.png", &token[1..])] {
        let outcome = place.blobs.permit(key, token);
        assert_eq!(reason(outcome), Some(Reason::Forbidden), "{key} {token}");
    }
    place.clock.advance(LASTS - Duration::from_micros(1));
    assert!(place.permit(&ticket).is_ok());
    place.clock.advance(Duration::from_micros(1));
    assert_eq!(reason(place.permit(&ticket)), Some(Reason::Forbidden));
}

#[tokio::test]
async fn parts_become_one_file_when_all_are_there() {
    let place = place();
    let (blobs, whole) = (&place.blobs, blob("v.mp4", b"aaaabb"));
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
        // A part may be sent again until all are put together.
        place.send(&ticket, bytes).await.unwrap();
        let etag = place.send(&ticket, bytes).await.unwrap();
        sent.push(SentPart { number, etag });
    }
    let wrong = [
        vec![],
        vec![sent[1].clone()],
        vec![
            sent[0].clone(),
            SentPart {
                etag: sent[0].etag.clone(),
                number: 2,
            },
        ],
        vec![
            sent[0].clone(),
            sent[1].clone(),
            SentPart {
                etag: String::new(),
                number: 3,
            },
        ],
    ];
    for parts in wrong {
        let outcome = blobs.finish_parts("v.mp4", upload_id, &parts).await;
        assert_eq!(reason(outcome), Some(Reason::NotFound), "{parts:?}");
    }
    let of_another = blobs.finish_parts("w.mp4", upload_id, &sent).await;
    assert_eq!(reason(of_another), Some(Reason::NotFound));
    sent[1].etag = sent[1].etag.trim_matches('"').to_owned();
    blobs.finish_parts("v.mp4", upload_id, &sent).await.unwrap();
    let arrival = blobs.arrived("v.mp4").await.unwrap().unwrap();
    assert_eq!(blobs.read_arrived(&arrival, 0..9).await.unwrap(), "aaaabb");
    // The parts are gone, and none comes in any more.
    assert_eq!(place.files(), 1);
    let again = blobs.finish_parts("v.mp4", upload_id, &sent).await;
    assert_eq!(reason(again), Some(Reason::NotFound));
    let part = Part {
        upload_id,
        number: 1,
        size: 4,
    };
    let ticket = blobs.part_ticket(&whole, &part, LASTS).unwrap();
    assert_eq!(
        reason(place.send(&ticket, b"cccc").await),
        Some(Reason::NotFound)
    );
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let place = place();
    let (blobs, whole) = (&place.blobs, blob("v.mp4", b"aaaabb"));
    let upload_id = &blobs.begin_parts(&whole).await.unwrap();
    let part = Part {
        upload_id,
        number: 1,
        size: 4,
    };
    let ticket = blobs.part_ticket(&whole, &part, LASTS).unwrap();
    place.send(&ticket, b"aaaa").await.unwrap();
    for strange in ["..", "../public", "x", ""] {
        blobs.abort_parts("v.mp4", strange).await.unwrap();
    }
    assert_eq!(place.files(), 2);
    blobs.abort_parts("another.mp4", upload_id).await.unwrap();
    assert_eq!(place.files(), 2);
    let permit = place.permit(&ticket).unwrap();
    let mut late = blobs.receive(&permit).await.unwrap();
    late.write(Bytes::from_static(b"bbbb")).await.unwrap();
    blobs.abort_parts("v.mp4", upload_id).await.unwrap();
    // Nor does what came in behind, once it is given up again.
    late.finish().await.unwrap();
    blobs.abort_parts("v.mp4", upload_id).await.unwrap();
    assert_eq!(place.files(), 0);
}

#[tokio::test]
async fn what_is_put_is_published_and_what_is_deleted_is_gone() {
    let place = place();
    let blobs = &place.blobs;
    let new = blob("t.png", b"thumb");
    for _ in 0..2 {
        blobs.put(&new, Bytes::from_static(b"thumb")).await.unwrap();
    }
    assert_eq!(blobs.read("t.png", 0..9).await.unwrap(), "thumb");
    place.arrive("a.png", b"a").await;
    for key in ["t.png", "a.png", "never.png"] {
        blobs.delete(key).await.unwrap();
    }
    assert_eq!(place.files(), 0);
}

#[tokio::test]
async fn no_key_leads_out_of_the_folder() {
    let place = place();
    let blobs = &place.blobs;
    std::fs::write(place.data.path().join("secret"), "secret").unwrap();
    for key in [
        "../../secret",
        "..",
        "/etc/passwd",
        "a/../../b",
        "incoming/a",
    ] {
        assert_eq!(blobs.path(key), None);
        let outcome = blobs.read(key, 0..9).await;
        assert_eq!(reason(outcome), Some(Reason::InternalError), "{key}");
        let ticket = blobs.ticket(&blob(key, b"x"), LASTS);
        assert_eq!(reason(ticket), Some(Reason::InternalError), "{key}");
        assert_eq!(blobs.key_of(&format!("{BASE}/files/{key}")), None);
    }
    assert_eq!(
        blobs.key_of(&blobs.url("a/b.png")).as_deref(),
        Some("a/b.png")
    );
    assert_eq!(blobs.key_of("http://127.0.0.1:40001/files/a"), None);
}

#[tokio::test]
async fn what_nobody_published_goes_after_two_days() {
    let place = place();
    let root = place.data.path().join("files");
    let day = Duration::from_secs(24 * 60 * 60);
    place.clock.advance(day * 10);
    let now = SystemTime::UNIX_EPOCH + day * 10;
    let written = |path: &str, age: Duration| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        file.set_modified(now - age).unwrap();
        path
    };
    let old = ["incoming/p/a.png", "parts/1/2", "aside/x#1"].map(|path| written(path, day * 3));
    let kept = [
        written("incoming/p/b.png", day),
        written("public/p/a.png", day * 9),
    ];
    // The first that is asked of the folder has it cleaned.
    place.blobs.head("p/a.png").await.unwrap();
    gone(&old).await;
    assert!(kept.iter().all(|path| path.exists()));
    // And again every day, as long as somebody asks for something.
    place.clock.advance(day * 2);
    place.blobs.head("p/a.png").await.unwrap();
    gone(&kept[..1]).await;
    assert!(kept[1].exists());
}

async fn gone(files: &[PathBuf]) {
    let clean = async {
        while files.iter().any(|path| path.exists()) {
            tokio::task::yield_now().await;
        }
    };
    let clean = tokio::time::timeout(Duration::from_secs(10), clean);
    clean.await.unwrap();
}
