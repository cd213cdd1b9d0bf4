//! The marketplace's own selection, kept ready a little longer than single products.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::list::{Among, Filter, Sort};
use super::{Catalog, Product};
use crate::cache::Cache;
use crate::kernel::Result;
use crate::kernel::page::{Page, PageRequest, Start};

/// How long a page is believed when no event comes.
const CACHED_FOR: Duration = Duration::from_secs(120);
/// Cached pages at the most.
const CACHED_MAX: u64 = 1_000;

/// Pages of featured products. A page is found under the generation in which it was read,
/// so that one step forgets all of them.
pub struct Featured {
    generation: AtomicU64,
    pages: Cache<(u64, u64, Vec<u8>), Arc<Page<Product>>>,
}

impl Default for Featured {
    fn default() -> Self {
        Self {
            generation: AtomicU64::new(0),
            pages: Cache::new("featured", CACHED_MAX, CACHED_FOR),
        }
    }
}

impl Featured {
    /// Forgets every page.
    pub fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

impl Catalog {
    /// A page of the featured products on sale, newest first. Costs no statement when it
    /// is cached.
    pub(super) async fn list_featured(&self, page: &PageRequest) -> Result<Arc<Page<Product>>> {
        let featured = &self.0.featured;
        let start = match &page.start {
            Start::First => Vec::new(),
            Start::After(cursor) => cursor.clone(),
            // No cursor is so short.
            Start::Number(number) => number.to_be_bytes().to_vec(),
        };
        let generation = featured.generation.load(Ordering::SeqCst);
        let load = || async {
            let filter = Filter::all(Among::OnSale { featured: true });
            self.list(&filter, Sort::Newest, page).await.map(Arc::new)
        };
        let key = (generation, page.limit, start);
        featured.pages.get_or_load(&key, load).await
    }
}
