//! Whose products somebody sees, by the tiers of sellers. Pure.

use super::SellerCategory::{self, Fournisseur, Grossiste, Importateur};

/// The tiers whose products somebody sees. Those of the last tier, and of sellers outside
/// the supply chain, are everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tiers {
    importateur: bool,
    grossiste: bool,
}

impl Tiers {
    /// What everybody sees.
    pub const PUBLIC: Self = Self {
        importateur: false,
        grossiste: false,
    };
    /// Products of every tier.
    pub const ALL: Self = Self {
        importateur: true,
        grossiste: true,
    };

    /// What a seller of a tier sees: the products of the tiers above, of which `strict`
    /// leaves only the next one.
    pub const fn of(category: Option<SellerCategory>, strict: bool) -> Self {
        match category {
            None | Some(Importateur) => Self::PUBLIC,
            Some(Grossiste) => Self {
                importateur: true,
                grossiste: false,
            },
            Some(Fournisseur) => Self {
                importateur: !strict,
                grossiste: true,
            },
        }
    }

    /// Whether the products of a seller of this tier, or of none, are among them.
    pub const fn see(self, seller: Option<SellerCategory>) -> bool {
        match seller {
            None | Some(Fournisseur) => true,
            Some(Grossiste) => self.grossiste,
            Some(Importateur) => self.importateur,
        }
    }

    /// The words of the tiers whose products are among them.
    pub fn words(self) -> Vec<&'static str> {
        let all = SellerCategory::ALL.into_iter();
        let seen = all.filter(|tier| self.see(Some(*tier)));
        seen.map(SellerCategory::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_sees_the_tiers_above_it() {
        let (i, g, f) = (Some(Importateur), Some(Grossiste), Some(Fournisseur));
        // Viewer, strict, then whether products of importers, wholesalers, retailers and
        // sellers without a tier are seen.
        for (viewer, strict, expected) in [
            (None, false, [false, false, true, true]),
            (None, true, [false, false, true, true]),
            (i, false, [false, false, true, true]),
            (i, true, [false, false, true, true]),
            (g, false, [true, false, true, true]),
            (g, true, [true, false, true, true]),
            (f, false, [true, true, true, true]),
            (f, true, [false, true, true, true]),
        ] {
            let tiers = Tiers::of(viewer, strict);
            let seen = [i, g, f, None].map(|seller| tiers.see(seller));
            assert_eq!(seen, expected, "{viewer:?} strict {strict}");
        }
        assert_eq!([i, g, f, None].map(|one| Tiers::ALL.see(one)), [true; 4]);
        assert_eq!(Tiers::of(f, false), Tiers::ALL);
    }
}
