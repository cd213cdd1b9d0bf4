//! Server-sent events, read as a browser reads them.

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::Value;

/// The events of an answer.
pub(super) struct Events {
    bytes: BoxStream<'static, reqwest::Result<Bytes>>,
    text: String,
}

impl Events {
    pub(super) fn new(answer: reqwest::Response) -> Self {
        Self {
            bytes: answer.bytes_stream().boxed(),
            text: String::new(),
        }
    }

    /// Waits for the first message of this kind; those before it are left out.
    pub(super) async fn find(&mut self, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let Some(data) = event.lines().find_map(|line| line.strip_prefix("data:")) else {
                    continue;
                };
                let message: Value = serde_json::from_str(data.trim())?;
                if is_it(&message) {
                    return Ok(message);
                }
            }
            let more = self.bytes.next().await.context("the stream ended")??;
            self.text.push_str(&String::from_utf8_lossy(&more));
        }
    }
}
