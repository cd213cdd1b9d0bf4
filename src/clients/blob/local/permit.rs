//! What the tickets of a folder say, sealed.

use serde::{Deserialize, Serialize};

use super::LocalBlobs;
use crate::kernel::{Error, Result, Time};

/// What a ticket allows: to send exactly these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// The file's key.
    pub key: String,
    /// How many bytes.
    pub size: u64,
    /// Their type; of a part nothing.
    pub content_type: Option<String>,
    /// Which part of an upload in parts.
    pub(super) part: Option<PartOf>,
    /// Until when, in microseconds.
    pub(super) until: i64,
}

/// One part of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartOf {
    pub(super) upload_id: String,
    pub(super) number: u32,
}

impl LocalBlobs {
    /// The address that carries a permit.
    pub(super) fn sealed(&self, permit: &Permit) -> Result<String> {
        let payload = serde_json::to_vec(permit).map_err(Error::internal)?;
        let token = self.sealer.seal(&purpose(&permit.key), &payload);
        Ok(format!(
            "{}/files/{}?token={token}",
            self.base_url, permit.key
        ))
    }

    /// What the address of a PUT allows.
    ///
    /// # Errors
    /// FORBIDDEN when it was not made here for this key, and when its time is over.
    pub fn permit(&self, key: &str, token: &str) -> Result<Permit> {
        let payload = self.sealer.open(&purpose(key), token);
        let permit: Option<Permit> =
            payload.and_then(|payload| serde_json::from_slice(&payload).ok());
        let permit = permit.ok_or_else(|| Error::forbidden("this address allows no upload"))?;
        if Time::from_micros(permit.until) <= self.clock.now() {
            return Err(Error::forbidden(
                "the time to send these bytes is over, ask for another upload",
            ));
        }
        Ok(permit)
    }
}

fn purpose(key: &str) -> String {
    format!("file:PUT:{key}")
}
