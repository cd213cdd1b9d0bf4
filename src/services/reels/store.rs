//! Every query of reels.

pub(super) mod attribution;
pub(super) mod comments;
pub(super) mod likes;
pub(super) mod proof;
pub(super) mod seen;
pub(super) mod stats;
pub(super) mod views;
