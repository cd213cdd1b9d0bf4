//! The wire: how many streams somebody holds and how they end, and what is left of a call
//! that ran out of time.

mod deadlines;
mod endings;
mod large;
mod streams;
