//! Who may call what: one row for every RPC of the contract, in a file per service.
//! `tests/contract.rs` fails when a row is missing; `tests/it/access` plays every row.
//!
//! The cast: `Guest` has no token; `Buyer` placed the order, owns the cart line, the
//! address and the session; `Stranger` is another customer; `Seller` owns the store with
//! its product and stock; `Rival` owns another store; `Staff` belongs to the seller's
//! store, `RivalStaff` to the rival's; `Admin` runs the marketplace. In the trade between
//! businesses the rival is a grossiste, the seller a fournisseur, and nobody else is in a
//! tier. `Suspended`, `Expired` and `Ended` hold a token that was good once.

mod analytics;
mod auth;
mod b2b;
mod cart;
mod catalog;
mod delivery;
mod inventory;
mod media;
mod ops;
mod orders;
mod reels;
mod stores;
mod users;

use Who::{Admin, Buyer, Ended, Expired, Guest, Rival, RivalStaff, Seller, Staff};
use Who::{Stranger, Suspended};

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Guest,
    Buyer,
    Stranger,
    Seller,
    Rival,
    Staff,
    RivalStaff,
    Admin,
    /// Of an account that is switched off.
    Suspended,
    /// With an access token past its time.
    Expired,
    /// Of a session that was ended.
    Ended,
}

pub const EVERYONE: &[Who] = &[
    Guest, Buyer, Stranger, Seller, Rival, Staff, RivalStaff, Admin,
];
/// Those whom nothing lets in, not even a public RPC: a token that is sent must be good.
pub const BARRED: &[Who] = &[Suspended, Expired, Ended];
const SIGNED_IN: &[Who] = &[Buyer, Stranger, Seller, Rival, Staff, RivalStaff, Admin];
const STORE: &[Who] = &[Seller, Staff, Admin];
const OWNER: &[Who] = &[Seller, Admin];
const ADMIN: &[Who] = &[Admin];

/// What the others get. A guest gets UNAUTHENTICATED wherever the policy asks for
/// sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// NOT_FOUND, word for word as for an id that does not exist.
    Hidden,
    /// PERMISSION_DENIED: the thing is public, the act is not theirs.
    Denied,
    /// NOT_A_TIER_SELLER: the trade between businesses is none of theirs.
    Untiered,
    /// OTP_REQUIRED: the caller has to prove a phone number first.
    Unproven,
}

/// What is done before those who may have their turn.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Somebody calls an RPC, which must work.
    Call(Who, &'static str, &'static str),
    /// Each of those who may calls an RPC right before its turn; this too must work.
    Each(&'static str, &'static str),
    /// The jobs run, and the token in the last mail becomes `$link`.
    Mail,
    /// What no call can bring about.
    Sql(&'static str),
}

/// One RPC.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Service and method, without the package.
    pub rpc: &'static str,
    /// The request as JSON; `$order`, `$store`, … stand for ids of the fixture, `$fresh`
    /// for a phone that only this caller uses, and `$refresh` for the caller's own token.
    pub request: &'static str,
    /// Who may.
    pub allowed: &'static [Who],
    /// What the others get.
    pub refusal: Refusal,
    /// Of the others, who knows the thing and is told that the act is not theirs.
    pub knowing: &'static [Who],
    /// Of those who may, whom a rule of trade refuses all the same, and for what reason.
    pub declined: &'static [(Who, &'static str)],
    /// What is done first.
    pub steps: &'static [Step],
    /// Each caller needs a market of its own: the one before leaves nothing to do.
    pub alone: bool,
}

impl Row {
    const fn knowing(self, knowing: &'static [Who]) -> Self {
        Self { knowing, ..self }
    }

    const fn declining(self, declined: &'static [(Who, &'static str)]) -> Self {
        Self { declined, ..self }
    }

    const fn after(self, steps: &'static [Step]) -> Self {
        Self { steps, ..self }
    }

    const fn alone(self) -> Self {
        Self {
            alone: true,
            ..self
        }
    }

    /// Why a rule of trade refuses this caller, if one does.
    pub fn declines(&self, who: Who) -> Option<&'static str> {
        let found = self.declined.iter().find(|(declined, _)| *declined == who);
        found.map(|(_, reason)| *reason)
    }

    /// Everyone with a good token, or none, who may not.
    pub fn refused(&self) -> impl Iterator<Item = Who> {
        let others = EVERYONE.iter().copied();
        others.filter(|who| !self.allowed.contains(who))
    }
}

const fn row(
    rpc: &'static str,
    request: &'static str,
    allowed: &'static [Who],
    refusal: Refusal,
) -> Row {
    Row {
        rpc,
        request,
        allowed,
        refusal,
        knowing: &[],
        declined: &[],
        steps: &[],
        alone: false,
    }
}

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [
        auth::ROWS,
        users::ROWS,
        stores::ROWS,
        catalog::ROWS,
        media::ROWS,
        inventory::ROWS,
        reels::ROWS,
        cart::ROWS,
        orders::ROWS,
        b2b::ROWS,
        delivery::ROWS,
        analytics::ROWS,
        ops::ROWS,
    ]
    .into_iter()
    .flatten()
}
