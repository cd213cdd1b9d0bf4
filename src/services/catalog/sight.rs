//! Whose products a caller sees: those of the tiers that are open to the caller's own
//! one, and of every store whose member the caller is. Administrators see all.
//!
//! The tiers of sellers and callers are cached. What they change counts at once in the
//! process that changed them, and in the others when the event comes.

use super::{CACHED, Catalog, Product, hidden};
use crate::cache::Cache;
use crate::db::Conn;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::{Call, Caller, Error, Result, Role};
use crate::services::users::{self, SellerCategory, Tiers};

/// Cached tiers at the most.
const CACHED_MAX: u64 = 100_000;

/// Whose products a list shows to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// The products of these tiers.
    pub tiers: Tiers,
    /// And those of the stores of this member.
    pub member: Option<UserId>,
}

impl Sight {
    /// What everybody sees.
    pub const PUBLIC: Self = Self {
        tiers: Tiers::PUBLIC,
        member: None,
    };
}

/// What is known of the tiers of sellers.
pub(super) struct SellerTiers {
    is_strict: bool,
    known: Cache<UserId, Option<SellerCategory>>,
}

impl SellerTiers {
    /// Strict: who buys in the chain sees the next tier alone.
    pub(super) fn new(is_strict: bool) -> Self {
        Self {
            is_strict,
            known: Cache::tiered("seller_tiers", CACHED_MAX, CACHED, None),
        }
    }

    pub(super) fn forget(&self, user: UserId) {
        self.known.invalidate(&user);
    }

    async fn of(&self, conn: &impl Conn, user: UserId) -> Result<Option<SellerCategory>> {
        let load = || async {
            let user = users::find(conn, user).await?;
            Ok(user.and_then(|user| user.seller_category()))
        };
        self.known.get_or_load(&user, load).await
    }

    /// Only sellers are looked up: nobody else has a tier.
    async fn open_to(&self, conn: &impl Conn, caller: &Caller) -> Result<Tiers> {
        match caller {
            _ if caller.is_admin() => Ok(Tiers::ALL),
            Caller::User {
                id,
                role: Role::StoreOwner,
                ..
            } => Ok(Tiers::of(self.of(conn, *id).await?, self.is_strict)),
            _ => Ok(Tiers::PUBLIC),
        }
    }
}

impl Catalog {
    /// Whose products a list shows to the caller. Costs a statement for a seller whose
    /// tier is not cached, and none for anybody else.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sight(&self, call: &Call) -> Result<Sight> {
        let tiers = self.0.tiers.open_to(self.0.db.read(), &call.caller);
        Ok(Sight {
            tiers: tiers.await?,
            member: call.caller.user_id(),
        })
    }

    /// Whether the caller sees the products of a store whose owner is in this tier. Costs
    /// no statement where everybody does, or when all is cached.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sees(
        &self,
        conn: &impl Conn,
        call: &Call,
        store: StoreId,
        tier: Option<SellerCategory>,
    ) -> Result<bool> {
        if Tiers::PUBLIC.see(tier) {
            return Ok(true);
        }
        let tiers = self.0.tiers.open_to(conn, &call.caller).await?;
        if tiers.see(tier) {
            return Ok(true);
        }
        self.0.stores.is_member(conn, call, store).await
    }

    /// The tier that the caller sells in, if any. Costs no statement when it is cached.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn tier_of(
        &self,
        conn: &impl Conn,
        caller: &Caller,
    ) -> Result<Option<SellerCategory>> {
        match caller {
            Caller::User {
                id,
                role: Role::StoreOwner,
                ..
            } => self.0.tiers.of(conn, *id).await,
            _ => Ok(None),
        }
    }

    /// Whether the caller sees a product, which may have been cached when its seller was
    /// in another tier.
    pub(super) async fn sees_cached(&self, call: &Call, product: &Product) -> Result<bool> {
        let conn = self.0.db.read();
        let tier = self.0.tiers.of(conn, product.seller()).await?;
        self.sees(conn, call, product.store(), tier).await
    }

    /// Why somebody who is no member of the product's store may not change it: `refused`
    /// to who sees the product, and to others it does not exist.
    pub(super) async fn refusal(
        &self,
        conn: &impl Conn,
        call: &Call,
        product: &Product,
        refused: Error,
    ) -> Error {
        if !product.is_on_sale() {
            return hidden(refused);
        }
        match self.sees(conn, call, product.store(), product.tier()).await {
            Ok(true) => refused,
            Ok(false) => hidden(refused),
            Err(error) => error,
        }
    }
}
