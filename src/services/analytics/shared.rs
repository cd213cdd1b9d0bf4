//! Numbers between processes: their names in the shared cache, and their form there.

use super::CACHED;
use super::stats::{Counted, Whose};
use super::trade::Trade;
use crate::cache::{Portable, SharedCache, Tier};
use crate::kernel::id::UserId;

/// Numbers in the shared cache.
pub(super) fn counted(cache: &SharedCache) -> Tier<Whose, Counted> {
    let name = |whose: &Whose| {
        let id = match whose {
            Whose::Member(user) => user.uuid(),
            Whose::Store(store) => store.uuid(),
        };
        format!("seller:stats:{id}")
    };
    Tier::new(cache, CACHED, name, name)
}

/// Numbers of the trade between businesses in the shared cache.
pub(super) fn traded(cache: &SharedCache) -> Tier<UserId, Trade> {
    let name = |user: &UserId| format!("seller:trade:{}", user.uuid());
    Tier::new(cache, CACHED, name, name)
}

impl Portable for Trade {
    const FORM: u8 = 1;

    fn to_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl Portable for Counted {
    const FORM: u8 = 1;

    fn to_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        let mut counted = Counted {
            stores: vec![uuid::Uuid::from_u128(7)],
            stats: Default::default(),
        };
        counted.stats.orders.revenue = i64::MAX;
        let bytes = counted.to_bytes().unwrap();
        assert_eq!(Counted::from_bytes(&bytes), Some(counted));
        assert_eq!(Counted::from_bytes(b"{}"), None);
    }
}
