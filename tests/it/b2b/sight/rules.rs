//! The rules: who sees which offer, and what a call about it comes to.

use crate::support::Client;

/// What a call comes to when a refusal of what it asks for, and not of the caller, is no
/// matter: the offer is over, the quantity is too large, the terms have changed.
pub const LET_IN: &str = "let in";
/// Statuses in which offers are looked at.
pub const STATUSES: [&str; 5] = ["SCHEDULED", "ACTIVE", "SOLD", "EXPIRED", "CLOSED"];
/// From which tier to which offers go.
pub const ROUTES: [(&str, &str); 3] = [
    ("IMPORTATEUR", "GROSSISTE"),
    ("IMPORTATEUR", "FOURNISSEUR"),
    ("GROSSISTE", "FOURNISSEUR"),
];

/// An offer.
pub struct Lot {
    pub id: String,
    pub from: &'static str,
    pub to: &'static str,
    pub status: &'static str,
    pub is_auction: bool,
    /// What the buyer of the tier answered, where there was time to.
    pub response: Option<String>,
}

/// Somebody who calls.
pub struct Viewer {
    pub name: &'static str,
    pub client: Client,
    /// The tier; empty for those who are in none.
    pub tier: &'static str,
    /// Owns the offers of the tier.
    pub owns: bool,
    /// Answered the offers to the tier.
    pub answered: bool,
}

impl Viewer {
    pub fn is_admin(&self) -> bool {
        self.name == "admin"
    }

    pub fn owns(&self, lot: &Lot) -> bool {
        self.owns && lot.from == self.tier
    }

    pub fn answered(&self, lot: &Lot) -> bool {
        self.answered && lot.to == self.tier && lot.response.is_some()
    }

    /// Offers go down the chain, and where tiers are strict one step at a time.
    pub fn is_target(&self, lot: &Lot, is_strict: bool) -> bool {
        lot.to == self.tier && !(is_strict && (lot.from, lot.to) == ROUTES[1])
    }

    pub fn sees(&self, lot: &Lot, is_strict: bool) -> bool {
        let is_shown = lot.status == "ACTIVE" && self.is_target(lot, is_strict);
        self.is_admin() || self.owns(lot) || self.answered(lot) || is_shown
    }

    /// Whether an offer stands in a list of those of its status.
    pub fn is_listed(&self, lot: &Lot, is_strict: bool) -> bool {
        let is_shown = lot.status == "ACTIVE" && self.is_target(lot, is_strict);
        self.is_admin() || self.owns(lot) || is_shown
    }

    /// Why nothing of the trade is theirs, for those of whom that is so.
    pub fn barred(&self) -> Option<&'static str> {
        match self.name {
            "guest" => Some("TOKEN_MISSING"),
            "admin" => None,
            _ => self.tier.is_empty().then_some("NOT_A_TIER_SELLER"),
        }
    }
}

/// What a call about an offer comes to.
pub fn about_offer(rpc: &str, viewer: &Viewer, lot: &Lot, is_strict: bool) -> &'static str {
    if !viewer.sees(lot, is_strict) {
        return "NOT_FOUND";
    }
    match rpc {
        "GetBidHistory" if !lot.is_auction => "WRONG_RESPONSE_TYPE",
        "SubmitResponse" if !viewer.is_target(lot, is_strict) => "TIER_CANNOT_RESPOND",
        "UpdateOffer" | "CloseOffer" | "DeleteOffer" if !viewer.owns(lot) => "FORBIDDEN",
        "ListOfferResponses" if !viewer.owns(lot) && !viewer.is_admin() => "FORBIDDEN",
        _ => LET_IN,
    }
}

/// What a call about the buyer's answer to an offer comes to.
pub fn about_response(rpc: &str, viewer: &Viewer, lot: &Lot) -> &'static str {
    let (is_seller, is_buyer) = (viewer.owns(lot), viewer.answered(lot));
    match rpc {
        _ if !is_seller && !is_buyer && !viewer.is_admin() => "NOT_FOUND",
        "GetResponse" => LET_IN,
        _ if viewer.is_admin() => "FORBIDDEN",
        "WithdrawResponse" if is_seller => "FORBIDDEN",
        "RejectResponse" if is_buyer && !lot.is_auction => "FORBIDDEN",
        _ => LET_IN,
    }
}
