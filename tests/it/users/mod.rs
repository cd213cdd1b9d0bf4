//! Accounts, profiles, address books.

mod addresses;
mod profile;
