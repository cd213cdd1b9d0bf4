//! The trade between businesses.

mod deals;
mod leaving;
mod negotiations;
mod offers;
mod talk;
