//! The marketplace's own selection, kept ready a little longer than single products.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::list::{Among, Filter, Sort};
use super::store::lists;
use super::{Catalog, Product, Sight};
use crate::cache::{Cache, Freshness, SharedCache, Tier};
use crate::kernel::id::StoreId;
use crate::kernel::page::{Page, PageRequest, Start};
use crate::kernel::{Call, Caller, Result};
use crate::services::users::Tiers;

/// How long a page is believed when no event comes.
const CACHED: Freshness = Freshness::lasting(Duration::from_secs(120));
/// All pages between processes.
const GROUP: &str = "products:featured";
/// Cached pages at the most.
const CACHED_MAX: u64 = 1_000;

/// A page as everybody sees it who sees some tiers and belongs to no store.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The page.
    pub page: Arc<Page<Product>>,
    /// The stores of which something is featured that it leaves out: their members see
    /// another page.
    pub without: Vec<StoreId>,
}

/// Pages of featured products. A page is found under the generation in which it was read,
/// so that one step forgets all of them.
pub struct Featured {
    generation: AtomicU64,
    pages: Cache<Key, Selection>,
    shared: Option<Pages>,
}

type Pages = Tier<Key, Selection>;

/// Which page, and of which generation in this process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    generation: u64,
    tiers: Tiers,
    limit: u64,
    start: Vec<u8>,
}

impl Key {
    /// Its name between processes, where all pages are one group.
    fn shared(&self) -> String {
        let mut name = format!("{GROUP}:{}:{}:", self.tiers.words().join("+"), self.limit);
        for byte in &self.start {
            name.push_str(&format!("{byte:02x}"));
        }
        name
    }
}

impl Featured {
    /// Pages, kept in this process and, if there is one, in the shared cache.
    pub fn new(shared: Option<&SharedCache>) -> Self {
        let tier = |cache| Tier::new(cache, CACHED, Key::shared, |_| GROUP.to_owned());
        let shared = shared.map(tier);
        Self {
            generation: AtomicU64::new(0),
            pages: Cache::tiered("featured", CACHED_MAX, CACHED, shared.clone()),
            shared,
        }
    }

    /// Forgets every page.
    pub fn forget(&self) {
        // The shared ones first: whoever sees the new generation must not find them.
        if let Some(shared) = &self.shared {
            shared.forget_group(GROUP);
        }
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

impl Catalog {
    /// A page of the featured products on sale that the caller sees, newest first. Costs
    /// no statement when it is cached, but for members of a store of which something
    /// featured is hidden from their tier.
    pub(super) async fn list_featured(
        &self,
        call: &Call,
        page: &PageRequest,
    ) -> Result<Arc<Page<Product>>> {
        let (sight, conn) = (self.sight(call).await?, self.0.db.read());
        let found = self.featured_to(sight.tiers, page).await?;
        for store in found.without {
            if self.0.stores.is_member(conn, call, store).await? {
                let own = featured(sight);
                let own = self.list(&call.caller, &own, Sort::Newest, page);
                return own.await.map(Arc::new);
            }
        }
        Ok(found.page)
    }

    async fn featured_to(&self, tiers: Tiers, page: &PageRequest) -> Result<Selection> {
        let kept = &self.0.featured;
        let start = match &page.start {
            Start::First => Vec::new(),
            Start::After(cursor) => cursor.clone(),
            // No cursor is so short.
            Start::Number(number) => number.to_be_bytes().to_vec(),
        };
        let generation = kept.generation.load(Ordering::SeqCst);
        let load = || async {
            let sight = Sight {
                tiers,
                member: None,
            };
            let (db, filter) = (&self.0.db, featured(sight));
            // What is kept until an event comes is read where the event was written.
            let found = self.list(&Caller::System, &filter, Sort::Newest, page);
            Ok(Selection {
                page: Arc::new(found.await?),
                without: lists::hidden_featured(db.read(), db.dialect(), sight).await?,
            })
        };
        let key = Key {
            generation,
            tiers,
            limit: page.limit,
            start,
        };
        kept.pages.get_or_load(&key, load).await
    }
}

const fn featured(sight: Sight) -> Filter {
    Filter::all(Among::OnSale {
        sight,
        featured: true,
    })
}
