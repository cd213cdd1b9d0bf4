//! The trade between businesses.

mod lists;
mod sight;
mod streams;
