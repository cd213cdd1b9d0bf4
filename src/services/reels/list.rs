//! Lists of reels, and what is shown beside each.

use std::collections::HashMap;

use super::Reels;
use super::reel::{Listed, Offer, View};
use super::state::Status;
use super::store::{lists, stats};
use crate::db::Conn;
use crate::kernel::id::{ProductId, ReelId, StoreId, UserId};
use crate::kernel::page::{Page, PageRequest, cursor};
use crate::kernel::{Call, Error, Result};
use crate::services::catalog::Sight;
use crate::services::inventory;

/// Among which reels to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// Those that are out.
    Out {
        /// To whom.
        sight: Sight,
    },
    /// Those of some stores, as their members see them.
    OfStores {
        /// The stores.
        stores: Vec<StoreId>,
        /// Only those of this status.
        status: Option<Status>,
    },
}

/// Which reels to list. Every given part must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Among which.
    pub among: Among,
    /// Of this store.
    pub store: Option<StoreId>,
    /// Of this product.
    pub product: Option<ProductId>,
    /// Of this seller.
    pub seller: Option<UserId>,
}

impl Filter {
    /// Everything of these.
    pub const fn all(among: Among) -> Self {
        Self {
            among,
            store: None,
            product: None,
            seller: None,
        }
    }
}

impl Reels {
    /// A page of reels, the newest first; guests may get it a little late.
    pub(super) async fn list(
        &self,
        call: &Call,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<View>> {
        let db = &self.0.db;
        let read = |conn| async move { lists::reels(&conn, db.dialect(), filter, page).await };
        let (rows, total) = db.read_stale(&call.caller, read).await?;
        let mut page = page.finish(rows, total, |listed| cursor(listed.reel.id, &[]));
        let listed = std::mem::take(&mut page.items);
        Ok(page.with(self.views(db.read(), call, listed).await?))
    }

    /// A reel with what is shown beside it.
    pub(super) async fn view(&self, conn: &impl Conn, call: &Call, listed: Listed) -> Result<View> {
        let views = self.views(conn, call, vec![listed]).await?;
        let view = views.into_iter().next();
        view.ok_or_else(|| Error::internal("a view of one reel is one view"))
    }

    /// Reels with what is shown beside them: four statements, however many they are, and
    /// one less for guests.
    async fn views(&self, conn: &impl Conn, call: &Call, listed: Vec<Listed>) -> Result<Vec<View>> {
        let ids: Vec<ReelId> = listed.iter().map(|listed| listed.reel.reel_id()).collect();
        let stats = stats::of(conn, self.0.db.dialect(), &ids).await?;
        let liked = match call.caller.user_id() {
            Some(user) => Some(lists::liked(conn, user, &ids).await?),
            None => None,
        };
        let offers = self.offers(conn, call, &listed).await?;
        let view = |Listed { reel, .. }| {
            let id = ReelId::from(reel.id);
            View {
                stats: stats.get(&id).copied().unwrap_or_default(),
                is_liked: liked.as_ref().map(|liked| liked.contains(&id)),
                offer: offers.get(&reel.product()).cloned(),
                reel,
            }
        };
        Ok(listed.into_iter().map(view).collect())
    }

    /// What the reels sell, of those whose product is on sale. Two statements.
    async fn offers(
        &self,
        conn: &impl Conn,
        call: &Call,
        listed: &[Listed],
    ) -> Result<HashMap<ProductId, Offer>> {
        let on_sale = listed.iter().filter(|listed| listed.is_on_sale());
        let mut pairs: Vec<(StoreId, ProductId)> = on_sale
            .map(|listed| (listed.reel.store(), listed.reel.product()))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        if pairs.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<ProductId> = pairs.iter().map(|(_, product)| *product).collect();
        let items = self.0.catalog.sale_items(conn, call, &ids).await?;
        let stock = inventory::availability(conn, &pairs).await?;
        let offers = items.into_iter().map(|item| {
            let found = stock.get(&(item.store, item.product));
            let available = found.map_or(0, |found| found.available);
            (item.product, Offer { item, available })
        });
        Ok(offers.collect())
    }
}
