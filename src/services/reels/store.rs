//! Every query of reels.

pub(super) mod attribution;
