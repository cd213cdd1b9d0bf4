//! The numbers of the trade between businesses, of one seller, counted anew every few
//! minutes at the most.

use serde::{Deserialize, Serialize};

use super::{Analytics, store};
use crate::kernel::{Call, Error, Reason, Result};

/// What a seller trades with other businesses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// Own offers.
    pub offers: Offers,
    /// What others responded to them.
    pub received: Received,
    /// What the seller responded to the offers of others.
    pub made: Made,
}

/// Own offers that are not deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// All of them.
    pub total: i64,
    /// Those that take responses now.
    pub active: i64,
    /// Those that are sold.
    pub sold: i64,
}

/// What others responded to the seller's offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// All of them.
    pub total: i64,
    /// Open negotiations.
    pub pending: i64,
    /// All negotiations.
    pub negotiations: i64,
    /// Negotiations that the seller accepted, refused or countered.
    pub answered: i64,
    /// What the deals brought, in minor units of the marketplace's currency.
    pub volume: i64,
}

impl Received {
    /// The share of negotiations that the seller answered.
    pub fn response_rate(&self) -> f64 {
        share(self.answered, self.negotiations)
    }
}

/// What the seller responded to the offers of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// All of them.
    pub total: i64,
    /// Those that are still open.
    pub pending: i64,
    /// Those that became an order.
    pub won: i64,
    /// What the deals cost, in minor units of the marketplace's currency.
    pub volume: i64,
}

impl Made {
    /// The share that became an order of those that are over.
    pub fn win_rate(&self) -> f64 {
        share(self.won, self.total - self.pending)
    }
}

/// A part of a whole, in thousandths; 0 of nothing. Counts come nowhere near the bound.
fn share(part: i64, whole: i64) -> f64 {
    let thousandths = part.saturating_mul(1_000).checked_div(whole);
    let thousandths = thousandths.and_then(|share| i32::try_from(share).ok());
    f64::from(thousandths.unwrap_or_default()) / 1_000.0
}

impl Analytics {
    /// The caller's numbers. No statement when they and the caller's tier are cached.
    ///
    /// # Errors
    /// NOT_A_TIER_SELLER for who sells in no tier.
    pub(super) async fn trade(&self, call: &Call) -> Result<Trade> {
        let (db, user) = (&self.0.db, call.user()?);
        let tier = self.0.catalog.tier_of(db.read(), &call.caller).await?;
        if tier.is_none() {
            let message = "only sellers of the supply chain trade with businesses";
            return Err(Error::new(Reason::NotATierSeller, message));
        }
        let load = || store::trade(db.read(), db.dialect(), user, self.0.currency);
        self.0.traded.get_or_load(&user, load).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_there_is() {
        for (part, whole, expected) in [(0, 0, 0.0), (0, 4, 0.0), (1, 3, 0.333), (4, 4, 1.0)] {
            let received = Received {
                negotiations: whole,
                answered: part,
                ..Received::default()
            };
            assert!((received.response_rate() - expected).abs() < 1e-9);
            let made = Made {
                total: whole + 2,
                pending: 2,
                won: part,
                ..Made::default()
            };
            assert!((made.win_rate() - expected).abs() < 1e-9);
        }
    }
}
