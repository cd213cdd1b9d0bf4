//! Setting and adjusting a stock record by hand.

use super::change::{self, Cause, Shift};
use super::state::Reason;
use super::{Stock, store};
use crate::db::Tx;
use crate::kernel::id::{MovementId, ProductId, StockId, StoreId, UserId};
use crate::kernel::text::fold;
use crate::kernel::{self, Error, Result};

/// What is to change of a record; absent parts stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Pieces in the store.
    pub on_hand: Option<i32>,
    /// At this many available pieces the stock counts as low; 0: never.
    pub reorder_level: Option<i32>,
    /// How many pieces the store wants at most.
    pub max_level: Option<Option<i32>>,
    /// The price of one piece instead of the product's, in minor units.
    pub price_override: Option<Option<i64>>,
    /// Whether the product may be bought when stock is there.
    pub enabled: Option<bool>,
    /// Note for the movement.
    pub note: String,
}

/// A product, as a new record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The store that sells it.
    pub store: StoreId,
    /// The product.
    pub product: ProductId,
    /// Its name.
    pub name: String,
    /// The seller's article number.
    pub sku: String,
}

/// Changes a record that the caller has locked.
///
/// # Errors
/// CONFLICT when fewer pieces would be on hand than are reserved.
pub async fn change(
    tx: &Tx,
    stock: Stock,
    settings: &Settings,
    actor: Option<UserId>,
) -> Result<Stock> {
    let mut changed = stock.clone();
    apply(&mut changed, settings);
    if changed == stock {
        return Ok(stock);
    }
    if changed.on_hand != stock.on_hand {
        changed.last_reason = Reason::Set.as_str().to_owned();
        explain(tx, &mut changed, settings, actor);
        if changed.on_hand > stock.on_hand {
            changed.last_restocked_at = Some(tx.now().micros());
        }
    }
    changed.version += 1;
    changed.updated_at = tx.now().micros();
    store::save(tx, &changed).await?;
    change::tell(tx, Some(&stock), &changed);
    Ok(changed)
}

/// Opens the record of a product that has none.
///
/// # Errors
/// CONFLICT when someone else opened it at the same time.
pub async fn open(
    tx: &Tx,
    named: &Named,
    settings: &Settings,
    actor: Option<UserId>,
) -> Result<Stock> {
    let now = tx.now();
    let mut stock = Stock {
        id: StockId::new(now).uuid(),
        store_id: named.store.uuid(),
        product_id: named.product.uuid(),
        product_name: named.name.clone(),
        product_name_key: fold(&named.name),
        sku: named.sku.clone(),
        gone: false,
        on_hand: 0,
        reserved: 0,
        reorder_level: 0,
        max_level: None,
        price_override: None,
        enabled: true,
        last_restocked_at: None,
        last_movement_id: MovementId::new(now).uuid(),
        last_reason: Reason::Initial.as_str().to_owned(),
        last_order_id: None,
        last_actor: None,
        last_note: String::new(),
        version: 1,
        created_at: now.micros(),
        updated_at: now.micros(),
    };
    apply(&mut stock, settings);
    explain(tx, &mut stock, settings, actor);
    stock.last_restocked_at = (stock.on_hand > 0).then_some(now.micros());
    store::insert(tx, &stock).await?;
    change::tell(tx, None, &stock);
    Ok(stock)
}

/// Adds pieces to a record or takes them away.
///
/// # Errors
/// OUT_OF_STOCK when more would be taken than are available; VALIDATION_ERROR when the
/// sum grows past what a record holds.
pub async fn adjust(
    tx: &Tx,
    stock: &Stock,
    delta: i32,
    reason: Reason,
    note: String,
    actor: Option<UserId>,
) -> Result<Stock> {
    let (store, product) = stock.key();
    let shift = Shift {
        store,
        product,
        on_hand: delta,
        reserved: 0,
    };
    let cause = Cause {
        reason,
        order: None,
        actor,
        note,
        is_purchase: false,
    };
    let changed = store::shift::apply(tx, &[shift], &cause).await?.pop();
    let Some(changed) = changed else {
        let available = stock.available();
        return Err(Error::new(
            kernel::Reason::OutOfStock,
            "more is taken than is available",
        )
        .because("delta", format!("only {available} available"))
        .with("available", available));
    };
    change::tell(tx, Some(stock), &changed);
    Ok(changed)
}

fn apply(stock: &mut Stock, settings: &Settings) {
    stock.on_hand = settings.on_hand.unwrap_or(stock.on_hand);
    stock.reorder_level = settings.reorder_level.unwrap_or(stock.reorder_level);
    stock.max_level = settings.max_level.unwrap_or(stock.max_level);
    stock.price_override = settings.price_override.unwrap_or(stock.price_override);
    stock.enabled = settings.enabled.unwrap_or(stock.enabled);
}

fn explain(tx: &Tx, stock: &mut Stock, settings: &Settings, actor: Option<UserId>) {
    stock.last_movement_id = MovementId::new(tx.now()).uuid();
    stock.last_order_id = None;
    stock.last_actor = actor.map(UserId::uuid);
    stock.last_note.clone_from(&settings.note);
}
