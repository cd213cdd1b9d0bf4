//! Whose products a caller sees. Pure.

use crate::kernel::Call;

/// The tiers of sellers whose products a caller sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Everybody's.
    All,
    /// Those of sellers of these tiers; the empty one is that of sellers without any.
    Tiers(&'static [&'static str]),
}

/// What everyone sees.
const PUBLIC: &[&str] = &["", "FOURNISSEUR"];

impl Sight {
    /// Whether products of sellers of this tier are seen.
    pub fn sees(&self, tier: &str) -> bool {
        match self {
            Self::All => true,
            Self::Tiers(tiers) => tiers.contains(&tier),
        }
    }
}

/// The tiers that a caller sees, beside the products of the caller's own stores.
pub fn seen_tiers(call: &Call) -> Sight {
    if call.caller.is_admin() {
        Sight::All
    } else {
        Sight::Tiers(PUBLIC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_sees_those_who_sell_to_everyone() {
        let public = Sight::Tiers(PUBLIC);
        for (tier, seen) in [
            ("", true),
            ("FOURNISSEUR", true),
            ("GROSSISTE", false),
            ("IMPORTATEUR", false),
        ] {
            assert_eq!(public.sees(tier), seen, "{tier}");
            assert!(Sight::All.sees(tier), "{tier}");
        }
    }
}
