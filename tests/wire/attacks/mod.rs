//! The attacks, each from addresses of its own. Each says what it saw and fails the run
//! when the server let it go on.

pub mod bombs;
pub mod drips;
pub mod floods;
pub mod readers;
pub mod silence;
pub mod streams;
pub mod texts;
