//! What shipping costs: the tables of rates of stores and of the marketplace, and the
//! zones that decide where no table does.
//!
//! Holds:
//! - a store's table decides before the marketplace's, and that before the zone;
//! - a table's amounts are in its store's currency, the marketplace's in the
//!   marketplace's; no amount is ever converted;
//! - a table is replaced as a whole, and its version counts how often.
//!
//! The wilayas themselves are in the kernel. Who carries the parcel is not known here.

mod entity;
mod store;
mod tariff;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::cache::{Cache, Freshness};
use crate::db::{Conn, Db, NewEvent, Observer, Tx};
use crate::kernel::id::StoreId;
use crate::kernel::wilaya::Wilaya;
use crate::kernel::{Call, Currency, Result};
use crate::services::stores::{Needed, Store, Stores};

use tariff::Terms;
pub use tariff::{Destination, Handover, Mode, Rate, RateTable, Tariff};

/// The id of the marketplace's table.
const MARKETPLACE: Uuid = Uuid::nil();
/// How long a cached table is believed when no event comes.
const CACHED: Freshness = Freshness::lasting(Duration::from_secs(60));
/// Cached tables at the most.
const CACHED_MAX: u64 = 10_000;
const TOPIC: &str = "shipping/";
/// Where parcels come from when no store says: Algiers.
const DEFAULT_ORIGIN: &str = "16";

/// How shipping is priced.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What decides where no table does.
    pub mode: Mode,
    /// The marketplace's currency.
    pub currency: Currency,
}

/// The service of shipping prices. Clones share it.
#[derive(Clone)]
pub struct Shipping(Arc<Parts>);

struct Parts {
    db: Db,
    stores: Stores,
    settings: Settings,
    tables: Cache<Uuid, Arc<RateTable>>,
}

/// The price of one order's delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// In minor units of the store's currency.
    pub amount: i64,
    /// How many days it takes, at most, where that is known.
    pub days: Option<i32>,
}

impl Shipping {
    /// The service.
    pub fn new(db: Db, stores: Stores, settings: Settings) -> Self {
        Self(Arc::new(Parts {
            db,
            stores,
            settings,
            tables: Cache::tiered("tariffs", CACHED_MAX, CACHED, None),
        }))
    }

    /// The price of one order's delivery; `subtotal` is the goods' total in the store's
    /// currency. Costs no statement when the tables are cached.
    ///
    /// # Errors
    /// SHIPPING_UNAVAILABLE, STOP_DESK_UNAVAILABLE.
    pub async fn quote(
        &self,
        conn: &impl Conn,
        store: &Store,
        to: Destination,
        handover: Handover,
        subtotal: i64,
    ) -> Result<Quote> {
        if handover == Handover::Pickup {
            return Ok(Quote {
                amount: 0,
                days: None,
            });
        }
        let tariff = self.tariff(conn, Some(store), to, subtotal).await?;
        Ok(Quote {
            amount: tariff.price(handover)?,
            days: tariff.days,
        })
    }

    /// The prices to a destination: from a store, or by the marketplace's table as from
    /// Algiers.
    ///
    /// # Errors
    /// SHIPPING_UNAVAILABLE when nothing is delivered there.
    pub async fn tariff(
        &self,
        conn: &impl Conn,
        store: Option<&Store>,
        to: Destination,
        subtotal: i64,
    ) -> Result<Tariff> {
        let settings = &self.0.settings;
        let currency = store.map_or(settings.currency, |store| store.currency);
        let own = match store {
            Some(store) => Some(self.table(conn, store.id.uuid()).await?),
            None => None,
        };
        let shared = match currency == settings.currency {
            true => Some(self.table(conn, MARKETPLACE).await?),
            false => None,
        };
        let tables: Vec<&RateTable> = [&own, &shared]
            .into_iter()
            .flatten()
            .map(|table| &**table)
            .collect();
        let terms = Terms {
            tables: &tables,
            from: store.map_or_else(
                || Wilaya::find(DEFAULT_ORIGIN),
                |store| store.address.wilaya,
            ),
            currency,
            mode: settings.mode,
            now: self.0.db.clock().now(),
        };
        terms.tariff(to, subtotal)
    }

    /// Replaces a store's table, for its owner and managers; gives the store's currency.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN.
    pub async fn set_store_rates(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        table: &RateTable,
    ) -> Result<Currency> {
        let stores = &self.0.stores;
        let store = stores
            .require_member(tx.conn(), call, id, Needed::Manager)
            .await?;
        put(tx, id.uuid(), table).await?;
        Ok(store.currency)
    }

    /// Replaces the marketplace's table; gives its currency.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn set_default_rates(&self, tx: &Tx, table: &RateTable) -> Result<Currency> {
        put(tx, MARKETPLACE, table).await?;
        Ok(self.0.settings.currency)
    }

    /// Sees the events, so that a replaced table is forgotten before the change is answered, and
    /// soon in every other process.
    pub fn observer(&self) -> Observer {
        // Weak: the database keeps its observers, and must not keep itself through them.
        let shipping = Arc::downgrade(&self.0);
        Box::new(move |event| {
            if let Some(shipping) = shipping.upgrade().map(Shipping) {
                shipping.forget(event.topic);
            }
        })
    }

    /// Forgets what is cached of the table that an event on `topic` is about; other topics
    /// are ignored.
    fn forget(&self, topic: &str) {
        if let Some(id) = topic.strip_prefix(TOPIC).and_then(|uuid| uuid.parse().ok()) {
            self.0.tables.invalidate(&id);
        }
    }

    async fn table(&self, conn: &impl Conn, id: Uuid) -> Result<Arc<RateTable>> {
        let load = || async { store::find(conn, id).await.map(Arc::new) };
        self.0.tables.get_or_load(&id, load).await
    }
}

/// The event carries no payload: it only tells caches to read again.
async fn put(tx: &Tx, id: Uuid, table: &RateTable) -> Result<()> {
    let version = store::put(tx, id, table).await?;
    tx.emit(NewEvent {
        topic: format!("{TOPIC}{id}"),
        kind: "shipping.changed",
        aggregate: id,
        version,
        payload: Vec::new(),
    });
    Ok(())
}
