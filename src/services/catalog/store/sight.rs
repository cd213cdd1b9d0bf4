//! What lists leave out, by whose products the caller sees.

use super::super::Sight;
use crate::db::Conditions;
use crate::services::stores;
use crate::services::users::Tiers;

impl Sight {
    /// Leaves the rows of `products` that are seen.
    pub fn narrow(&self, conditions: &mut Conditions) {
        if self.tiers == Tiers::ALL {
            return;
        }
        let words = self.tiers.words();
        let words = words.iter().map(|word| format!(", '{word}'"));
        let open = format!("products.tier IN (''{})", words.collect::<String>());
        match self.member {
            None => conditions.always(open),
            Some(user) => {
                let place = conditions.bind(user.uuid().into());
                let own = stores::is_of_member("products.store_id", place);
                conditions.always(format!("({open} OR {own})"));
            }
        }
    }
}
