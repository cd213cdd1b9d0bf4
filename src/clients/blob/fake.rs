//! For tests: a store in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Arrival, Blobs, Head, NewBlob, Part, SentPart, Ticket};
use crate::kernel::{Error, Reason, Result};

/// Where everybody reads its files.
const BASE: &str = "https://files.example/";
/// Where its tickets lead.
const TICKETS: &str = "https://upload.example/";

/// Keeps bytes in memory, lets a test send them as a client does, and fails when it is
/// told to. Clones share it.
#[derive(Clone, Default)]
pub struct FakeBlobs(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    is_down: bool,
    /// Counts what has to be told apart: tickets, uploads, bytes that came.
    number: u64,
    /// How often somebody read of what is published.
    reads: usize,
    tickets: BTreeMap<String, Expected>,
    arrived: BTreeMap<String, (String, Bytes)>,
    published: BTreeMap<String, (String, Bytes)>,
    uploads: BTreeMap<String, Upload>,
}

/// What a ticket is good for.
#[derive(Clone)]
struct Expected {
    key: String,
    content_type: String,
    size: u64,
    part: Option<(String, u32)>,
}

#[derive(Clone)]
struct Upload {
    key: String,
    parts: BTreeMap<u32, (String, Bytes)>,
}

impl State {
    fn next(&mut self) -> String {
        self.number += 1;
        self.number.to_string()
    }
}

impl FakeBlobs {
    /// Lets every call of the server fail from now on, or work again.
    pub fn fail(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Another store that holds the same.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = self.state().clone();
        Self(Arc::new(Mutex::new(state)))
    }

    /// Sends bytes by a ticket as a client does; gives their `ETag`.
    ///
    /// # Errors
    /// FORBIDDEN when the ticket is not good for them.
    pub fn send(&self, url: &str, headers: &[(&str, &str)], bytes: Bytes) -> Result<String> {
        let mut state = self.state();
        let no = |why: &'static str| Error::new(Reason::Forbidden, why);
        let expected = state.tickets.get(url).cloned();
        let expected = expected.ok_or_else(|| no("no such ticket"))?;
        let content_type = ("content-type", expected.content_type.as_str());
        if !headers.contains(&content_type) || bytes.len() as u64 != expected.size {
            return Err(no("not what the ticket is for"));
        }
        let etag = format!("\"{}\"", state.next());
        let came = (etag.clone(), bytes);
        match expected.part {
            Some((upload, number)) => {
                let upload = state.uploads.get_mut(&upload);
                let upload = upload.ok_or_else(|| no("no such upload"))?;
                upload.parts.insert(number, came);
            }
            None => {
                state.arrived.insert(expected.key, came);
            }
        }
        Ok(etag)
    }

    /// Puts bytes where those of a client come in, whatever its ticket says.
    pub fn smuggle(&self, key: &str, bytes: Bytes) {
        let mut state = self.state();
        let etag = format!("\"{}\"", state.next());
        state.arrived.insert(key.to_owned(), (etag, bytes));
    }

    /// What everybody can read: key, type and bytes.
    pub fn published(&self) -> Vec<(String, String, Bytes)> {
        let state = self.state();
        let published = state.published.iter();
        published
            .map(|(key, (content_type, bytes))| (key.clone(), content_type.clone(), bytes.clone()))
            .collect()
    }

    /// How often the server read of what is published.
    pub fn reads(&self) -> usize {
        self.state().reads
    }

    /// The names of everything that it holds, shown or not, parts included.
    pub fn held(&self) -> Vec<String> {
        let state = self.state();
        let arrived = state.arrived.keys().map(|key| format!("incoming/{key}"));
        let published = state.published.keys().cloned();
        let uploads = state.uploads.values();
        let parts = uploads.map(|upload| format!("parts/{}", upload.key));
        published.chain(arrived).chain(parts).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless the store is away.
    fn up(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        match state.is_down {
            true => Err(Error::unavailable("the store does not answer", "is down")),
            false => Ok(state),
        }
    }

    fn expect(&self, expected: Expected) -> Ticket {
        let mut state = self.state();
        let url = format!("{TICKETS}{}?ticket={}", expected.key, state.next());
        let headers = vec![("content-type".to_owned(), expected.content_type.clone())];
        state.tickets.insert(url.clone(), expected);
        Ticket { url, headers }
    }
}

#[async_trait]
impl Blobs for FakeBlobs {
    fn ticket(&self, blob: &NewBlob, _lasts: Duration) -> Result<Ticket> {
        Ok(self.expect(Expected {
            key: blob.key.clone(),
            content_type: blob.content_type.clone(),
            size: blob.size,
            part: None,
        }))
    }

    fn part_ticket(&self, blob: &NewBlob, part: &Part<'_>, _lasts: Duration) -> Result<Ticket> {
        Ok(self.expect(Expected {
            key: blob.key.clone(),
            content_type: blob.content_type.clone(),
            size: part.size,
            part: Some((part.upload_id.to_owned(), part.number)),
        }))
    }

    async fn begin_parts(&self, blob: &NewBlob) -> Result<String> {
        let mut state = self.up()?;
        let id = state.next();
        let upload = Upload {
            key: blob.key.clone(),
            parts: BTreeMap::new(),
        };
        state.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    async fn finish_parts(&self, key: &str, upload_id: &str, parts: &[SentPart]) -> Result<()> {
        let mut state = self.up()?;
        let upload = state.uploads.get(upload_id);
        let upload = upload.filter(|upload| upload.key == key);
        let sent = |part: &SentPart| {
            let (etag, bytes) = upload?.parts.get(&part.number)?;
            (*etag == part.etag).then_some(bytes.as_ref())
        };
        let whole: Option<Vec<&[u8]>> = parts.iter().map(sent).collect();
        let whole = whole.filter(|whole| upload.is_some_and(|it| it.parts.len() == whole.len()));
        let whole = whole.ok_or_else(|| Error::not_found("part"))?.concat();
        state.uploads.remove(upload_id);
        let etag = format!("\"{}\"", state.next());
        state.arrived.insert(key.to_owned(), (etag, whole.into()));
        Ok(())
    }

    async fn abort_parts(&self, _key: &str, upload_id: &str) -> Result<()> {
        self.up()?.uploads.remove(upload_id);
        Ok(())
    }

    async fn arrived(&self, key: &str) -> Result<Option<Arrival>> {
        let state = self.up()?;
        let arrived = state.arrived.get(key);
        Ok(arrived.map(|(etag, bytes)| Arrival {
            key: key.to_owned(),
            size: bytes.len() as u64,
            etag: etag.clone(),
        }))
    }

    async fn read_arrived(&self, arrival: &Arrival, range: Range<u64>) -> Result<Bytes> {
        let state = self.up()?;
        let found = state.arrived.get(&arrival.key);
        let found = found.filter(|(etag, _)| *etag == arrival.etag);
        found
            .map(|(_, bytes)| part_of(bytes, range))
            .ok_or_else(missing)
    }

    async fn publish(&self, arrival: &Arrival, content_type: &str) -> Result<()> {
        let mut state = self.up()?;
        let found = state.arrived.get(&arrival.key);
        if found.is_none_or(|(etag, _)| *etag != arrival.etag) {
            return Err(missing());
        }
        if let Some((_, bytes)) = state.arrived.remove(&arrival.key) {
            let shown = (content_type.to_owned(), bytes);
            state.published.entry(arrival.key.clone()).or_insert(shown);
        }
        Ok(())
    }

    async fn put(&self, blob: &NewBlob, bytes: Bytes) -> Result<()> {
        let shown = (blob.content_type.clone(), bytes);
        let mut state = self.up()?;
        state.published.entry(blob.key.clone()).or_insert(shown);
        Ok(())
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        let state = self.up()?;
        let found = state.published.get(key);
        Ok(found.map(|(_, bytes)| Head {
            size: bytes.len() as u64,
        }))
    }

    async fn read(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        let mut state = self.up()?;
        state.reads += 1;
        let found = state.published.get(key);
        found
            .map(|(_, bytes)| part_of(bytes, range))
            .ok_or_else(missing)
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let mut state = self.up()?;
        state.published.remove(key);
        state.arrived.remove(key);
        Ok(())
    }

    fn url(&self, key: &str) -> String {
        format!("{BASE}{key}")
    }

    fn key_of(&self, url: &str) -> Option<String> {
        url.strip_prefix(BASE).map(str::to_owned)
    }

    fn source(&self, _key: &str, _lasts: Duration) -> Result<String> {
        Err(Error::internal("bytes in memory have no address"))
    }
}

fn missing() -> Error {
    Error::not_found("file")
}

/// Some bytes, fewer where they end before.
fn part_of(bytes: &Bytes, range: Range<u64>) -> Bytes {
    let place = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
    let (start, end) = (place(range.start), place(range.end));
    bytes.slice(start.min(end)..end)
}
