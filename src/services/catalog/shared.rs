//! Products between processes: their names in the shared cache, and their form there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::featured::Selection;
use super::{CACHED, Product};
use crate::cache::{Portable, SharedCache, Tier};
use crate::kernel::id::{ProductId, StoreId};
use crate::kernel::page::Page;

/// Single products in the shared cache.
pub(super) fn products(cache: &SharedCache) -> Tier<ProductId, Arc<Product>> {
    let name = |id: &ProductId| format!("products:{}", id.uuid());
    Tier::new(cache, CACHED, name, name)
}

impl Portable for Arc<Product> {
    const FORM: u8 = 2;

    fn to_bytes(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&**self).ok()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self::new)
    }
}

/// A page as it is written.
#[derive(Serialize, Deserialize)]
struct Written<T> {
    items: T,
    next: Option<Vec<u8>>,
    limit: u64,
    number: Option<u32>,
    total: Option<u64>,
    without: Vec<Uuid>,
}

impl Portable for Selection {
    const FORM: u8 = 3;

    fn to_bytes(&self) -> Option<Vec<u8>> {
        let Page {
            items,
            next,
            limit,
            number,
            total,
        } = &*self.page;
        let written = Written {
            items,
            next: next.clone(),
            limit: *limit,
            number: *number,
            total: *total,
            without: self.without.iter().map(|store| store.uuid()).collect(),
        };
        serde_json::to_vec(&written).ok()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let Written {
            items,
            next,
            limit,
            number,
            total,
            without,
        } = serde_json::from_slice(bytes).ok()?;
        let page = Page {
            items,
            next,
            limit,
            number,
            total,
        };
        Some(Self {
            page: Arc::new(page),
            without: without.into_iter().map(StoreId::from).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::UserId;
    use crate::kernel::{Currency, Time};

    fn product() -> Product {
        let now = Time::from_micros(1_800_000_000_000_000);
        let mut product = Product::blank(
            StoreId::new(now),
            UserId::new(now),
            Currency::DZD,
            true,
            now,
        );
        product.name = "Café « Étoile »".to_owned();
        product.price = i64::MAX;
        product.weight = Some(0.1);
        product.tags.0 = vec!["noir".to_owned()];
        product
    }

    #[test]
    fn a_product_and_a_page_come_back_as_they_were() {
        let product = Arc::new(product());
        let bytes = product.to_bytes().unwrap();
        assert_eq!(Arc::<Product>::from_bytes(&bytes), Some(product.clone()));
        let page = Arc::new(Page {
            items: vec![(*product).clone()],
            next: Some(vec![0, 255]),
            limit: 20,
            number: Some(3),
            total: Some(41),
        });
        let without = vec![StoreId::new(Time::from_micros(1))];
        let written = Selection {
            page: page.clone(),
            without: without.clone(),
        };
        let back = Selection::from_bytes(&written.to_bytes().unwrap()).unwrap();
        assert_eq!(back.without, without);
        let back = back.page;
        assert_eq!(back.items, page.items);
        assert_eq!((&back.next, back.limit), (&page.next, page.limit));
        assert_eq!((back.number, back.total), (page.number, page.total));
    }

    #[test]
    fn what_is_no_product_is_none() {
        for bytes in [b"".as_slice(), b"{}", b"[1]", b"\xff"] {
            assert_eq!(Arc::<Product>::from_bytes(bytes), None);
        }
    }
}
