//! An EventSource as the HTML standard describes it: the parts of `text/event-stream`
//! that matter for getting every event once.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};

/// An event that has arrived whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: String,
}

/// Connects, and connects again with the id of the last event.
pub struct EventSource {
    url: String,
    bearer: String,
    pub last_event_id: Option<String>,
}

impl EventSource {
    pub fn new(url: String, bearer: String) -> Self {
        Self {
            url,
            bearer,
            last_event_id: None,
        }
    }

    /// The events until the connection ends; nothing when there is no connection.
    pub async fn connect(&self) -> Option<Pin<Box<dyn Stream<Item = Event> + Send>>> {
        // A browser opens a new connection too; and a pool would keep the cut ones.
        let client = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .build()
            .unwrap();
        let mut request = client
            .get(&self.url)
            .bearer_auth(&self.bearer)
            .header("accept", "text/event-stream");
        if let Some(id) = &self.last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.ok()?;
        let status = response.status();
        if !status.is_success() {
            panic!("{status}: {}", response.text().await.unwrap_or_default());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let body = response.bytes_stream();
        let pieces = body.take_while(|piece| std::future::ready(piece.is_ok()));
        let parsed = pieces.scan(Parser::default(), |parser, piece| {
            std::future::ready(Some(stream::iter(parser.feed(&piece.unwrap_or_default()))))
        });
        Some(Box::pin(parsed.flatten()))
    }
}

/// Turns bytes, cut anywhere, into events. What is not finished when the connection ends
/// is dropped.
#[derive(Default)]
struct Parser {
    bytes: Vec<u8>,
    last_id: String,
    next: Event,
}

impl Parser {
    fn feed(&mut self, piece: &Bytes) -> Vec<Event> {
        self.bytes.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8(line).expect("events are UTF-8");
            events.extend(self.line(line.trim_end_matches(['\r', '\n'])));
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let mut event = std::mem::take(&mut self.next);
            if event.data.is_empty() {
                return None;
            }
            event.data.pop();
            event.id.clone_from(&self.last_id);
            return Some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                self.next.data.push_str(value);
                self.next.data.push('\n');
            }
            "id" => value.clone_into(&mut self.last_id),
            "event" => value.clone_into(&mut self.next.name),
            // Comments, `retry` and what later standards may bring.
            _ => {}
        }
        None
    }
}

#[test]
fn events_survive_any_cut_between_bytes() {
    let text = "retry: 1000\n\n: hello\nid: a\ndata: {\"x\":\ndata: 1}\n\nevent: error\r\ndata: y\r\n\r\nid: b\ndata: lost";
    for at in 0..text.len() {
        let mut parser = Parser::default();
        let mut events = parser.feed(&Bytes::copy_from_slice(&text.as_bytes()[..at]));
        events.extend(parser.feed(&Bytes::copy_from_slice(&text.as_bytes()[at..])));
        let expected = [("a", "", "{\"x\":\n1}"), ("a", "error", "y")];
        let got: Vec<_> = events
            .iter()
            .map(|it| (it.id.as_str(), it.name.as_str(), it.data.as_str()))
            .collect();
        assert_eq!(got, expected, "cut at {at}");
    }
}
