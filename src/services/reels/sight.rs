//! Whose products a caller sees, and so whose reels.

use super::Reels;
use crate::kernel::{Call, Result};
use crate::services::users::{SellerCategory, Tiers};

/// The tiers of sellers whose products a caller sees, beside those of the caller's own
/// stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight(Tiers);

impl Sight {
    /// Everybody's.
    pub const ALL: Self = Self(Tiers::ALL);
    /// What everyone sees.
    #[cfg(test)]
    pub const PUBLIC: Self = Self(Tiers::PUBLIC);

    /// Whether products of sellers of this tier are seen; the empty one is that of sellers
    /// without any.
    pub fn sees(self, tier: &str) -> bool {
        self.0.see(SellerCategory::from_word(tier))
    }

    /// The words of the tiers that are seen; none where all are.
    pub fn words(self) -> Option<Vec<&'static str>> {
        let all = SellerCategory::ALL.map(SellerCategory::as_str);
        let seen = std::iter::once("").chain(all);
        (self != Self::ALL).then(|| seen.filter(|tier| self.sees(tier)).collect())
    }
}

impl Reels {
    /// Whose products the caller sees. Costs a statement for a seller whose tier is not
    /// cached.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn sight(&self, call: &Call) -> Result<Sight> {
        Ok(Sight(self.0.catalog.sight(call).await?.tiers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_sees_those_who_sell_to_everyone() {
        let public = Sight::PUBLIC;
        assert_eq!(public.words(), Some(vec!["", "FOURNISSEUR"]));
        assert_eq!(Sight::ALL.words(), None);
        for tier in ["", "FOURNISSEUR", "GROSSISTE", "IMPORTATEUR"] {
            let is_public = public.words().is_some_and(|words| words.contains(&tier));
            assert_eq!(public.sees(tier), is_public, "{tier}");
            assert!(Sight::ALL.sees(tier), "{tier}");
        }
    }
}
