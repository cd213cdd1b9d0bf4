//! Resume tokens: a place in the log, sealed, and bound to one topic and one caller.

use std::collections::BTreeSet;

use super::event::Position;
use crate::kernel::seal::Sealer;
use crate::kernel::{Caller, Error, Reason, Result};

/// A stream's place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Everything up to here was given.
    pub(super) position: Position,
    /// Ids of later events that the snapshot showed already. Nearly always empty: it
    /// holds what was committed, but not yet handed out, when the snapshot was read.
    pub(super) shown: BTreeSet<i64>,
}

impl Place {
    /// Moves past an event and says whether the caller has not seen it.
    pub(super) fn pass(&mut self, position: Position) -> bool {
        if position <= self.position {
            return false;
        }
        self.position = position;
        !self.shown.remove(&position.id)
    }
}

/// Seals and opens the tokens of one stream.
pub(super) struct Tokens {
    sealer: Sealer,
    purpose: String,
}

impl Tokens {
    pub(super) fn new(sealer: Sealer, topic: &str, caller: &Caller) -> Self {
        Self {
            sealer,
            purpose: format!("resume:{topic}:{caller}"),
        }
    }

    pub(super) fn seal(&self, place: &Place) -> String {
        let mut bytes = Vec::with_capacity(16);
        bytes.extend_from_slice(&place.position.txid.to_le_bytes());
        bytes.extend_from_slice(&place.position.id.to_le_bytes());
        let mut last = 0;
        for id in &place.shown {
            // Neighbours are near, so their distance is short.
            push_varint(&mut bytes, id.abs_diff(last));
            last = *id;
        }
        self.sealer.seal(&self.purpose, &bytes)
    }

    pub(super) fn open(&self, token: &str) -> Result<Place> {
        self.sealer
            .open(&self.purpose, token)
            .and_then(|bytes| parse(&bytes))
            .ok_or_else(|| {
                Error::new(
                    Reason::ResumeTokenInvalid,
                    "resumeToken is not a token of this stream",
                )
                .at("resumeToken")
            })
    }
}

fn parse(bytes: &[u8]) -> Option<Place> {
    let (txid, rest) = bytes.split_first_chunk()?;
    let (id, mut rest) = rest.split_first_chunk()?;
    let mut shown = BTreeSet::new();
    let mut last: i64 = 0;
    while !rest.is_empty() {
        last = last.checked_add_unsigned(take_varint(&mut rest)?)?;
        shown.insert(last);
    }
    Some(Place {
        position: Position {
            txid: i64::from_le_bytes(*txid),
            id: i64::from_le_bytes(*id),
        },
        shown,
    })
}

fn push_varint(out: &mut Vec<u8>, value: u64) {
    prost::encoding::encode_varint(value, out);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    prost::encoding::decode_varint(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Secret;

    #[test]
    fn a_token_carries_its_place_and_fits_into_a_request() {
        let sealer = Sealer::new(Secret::new(vec![1; 32]));
        let tokens = Tokens::new(sealer, "order/1", &Caller::Anonymous);
        let place = Place {
            position: Position { txid: 9, id: -3 },
            shown: (0..128).map(|n| (1 << 50) + n * 1000).collect(),
        };
        let token = tokens.seal(&place);
        assert!(token.len() <= 1024, "{}", token.len());
        assert_eq!(tokens.open(&token).unwrap(), place);
    }
}
