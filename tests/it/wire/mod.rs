//! The wire: how many streams somebody holds, and what is left of a call that ran out of
//! time.

mod deadlines;
mod streams;
