//! Lists at a hundred thousand reels, and reels that follow their videos, on every
//! database at hand.
