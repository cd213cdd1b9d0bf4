//! Reels on the wire.

pub(super) mod reception;
