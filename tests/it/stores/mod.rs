//! Stores: opening, running and finding them.

mod finding;
mod opening;
mod running;
