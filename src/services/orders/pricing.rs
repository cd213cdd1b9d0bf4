//! What an order costs and what stands in its way. Pure: prices, stock and shipping come
//! in, sums and problems go out. Placing refuses on a problem; a quote tells them all.

use std::sync::Arc;

use super::basket::{FreeItem, Wanted};
use super::model::{Item, Totals};
use super::state::DeliveryType;
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{OrderItemId, ProductId, StoreId, UserId};
use crate::kernel::{Currency, Error, Reason, Result, Time, money};
use crate::services::catalog::SaleItem;
use crate::services::stores::Store;

/// A wish with the product that it names, as it is sold now.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub wanted: Wanted,
    pub item: SaleItem,
    /// Pieces that can be bought, where somebody looked: placing an order does not look,
    /// it takes.
    pub available: Option<i32>,
}

/// The lines of one store.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub store: Arc<Store>,
    pub lines: Vec<Line>,
}

/// What shipping costs.
#[derive(Debug, Clone)]
pub(super) enum Shipping {
    /// Nobody ships: pickup, and free items.
    None,
    /// The destination is not told yet.
    Unknown,
    /// In minor units, and how many days it takes at most.
    Price { amount: i64, days: Option<i32> },
    /// Nothing goes there in this way.
    Refused(Problem),
}

/// What one order costs.
#[derive(Debug, Clone)]
pub(super) struct Priced {
    /// None for free items.
    pub store: Option<Arc<Store>>,
    pub items: Vec<Item>,
    /// Where the request names each item, for refusals.
    pub fields: Vec<String>,
    pub totals: Totals,
    /// Whether the price of shipping is part of the totals.
    pub shipping_known: bool,
    /// How many days delivery takes, at most.
    pub days: Option<i32>,
}

/// Something that stands in the way of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub reason: Reason,
    pub message: String,
    pub field: Option<String>,
    pub store: Option<StoreId>,
    pub product: Option<ProductId>,
    pub available: Option<i32>,
}

impl Problem {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            field: None,
            store: None,
            product: None,
            available: None,
        }
    }

    pub(super) const fn of_store(mut self, store: StoreId) -> Self {
        self.store = Some(store);
        self
    }

    fn of_line(mut self, wanted: &Wanted) -> Self {
        self.product = Some(wanted.product);
        self.field = Some(wanted.field.clone());
        self
    }
}

/// The refusal that problems amount to: the reason of the first, with every line that
/// it concerns.
pub(super) fn refusal(problems: &[Problem]) -> Option<Error> {
    let first = problems.first()?;
    let mut error = Error::new(first.reason, first.message.clone());
    for problem in problems
        .iter()
        .filter(|problem| problem.reason == first.reason)
    {
        if let Some(field) = &problem.field {
            error = error.because(field.clone(), problem.message.clone());
        }
    }
    if let Some(store) = first.store {
        error = error.with("storeId", store);
    }
    if let Some(product) = first.product {
        error = error.with("productId", product);
    }
    if let Some(available) = first.available {
        error = error.with("available", available);
    }
    Some(error)
}

/// The problem of a product that is not on sale.
pub(super) fn not_on_sale(wanted: &Wanted) -> Problem {
    Problem::new(Reason::ProductNotFound, "product not found").of_line(wanted)
}

/// What stands in the way of the lines of one store.
pub(super) fn line_problems(parcel: &Parcel, buyer: Option<UserId>) -> Vec<Problem> {
    let store = &parcel.store;
    let mut problems = Vec::new();
    if let Err(refused) = store.require_active() {
        problems.push(Problem::new(refused.reason(), refused.message()));
    }
    if buyer == Some(store.owner) {
        problems.push(Problem::new(
            Reason::OwnProduct,
            "this is a product of your own store",
        ));
    }
    problems.extend(parcel.lines.iter().filter_map(line_problem));
    problems
        .into_iter()
        .map(|problem| problem.of_store(store.id))
        .collect()
}

fn line_problem(line: &Line) -> Option<Problem> {
    let Line {
        wanted,
        item,
        available,
    } = line;
    if let Some(available) = available.filter(|available| *available < wanted.quantity) {
        let message = match available {
            0 => format!("{} is out of stock", item.name),
            left => format!("only {left} of {} left", item.name),
        };
        let problem = Problem::new(Reason::OutOfStock, message).of_line(wanted);
        return Some(Problem {
            available: Some(available),
            ..problem
        });
    }
    let least = item.min_order_quantity;
    if wanted.quantity < least {
        let message = format!("at least {least} of {} per order", item.name);
        return Some(Problem::new(Reason::MinQuantity, message).of_line(wanted));
    }
    None
}

/// What keeps a store from accepting or delivering an order of this sum.
pub(super) fn store_problems(
    store: &Store,
    subtotal: i64,
    delivery: DeliveryType,
    to: Option<GeoPoint>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(least) = store.min_order_amount.filter(|least| subtotal < *least) {
        let message = format!(
            "{} takes orders from {least} {} on",
            store.name, store.currency
        );
        problems.push(Problem::new(Reason::MinOrderAmount, message));
    }
    // How far a store goes itself says nothing of parcels to a courier's office.
    let reaches = match delivery {
        DeliveryType::Pickup => true,
        DeliveryType::StopDesk => store.delivers_to(None),
        DeliveryType::Home => store.delivers_to(to),
    };
    if !reaches {
        let message = format!("{} does not deliver there", store.name);
        problems.push(Problem::new(Reason::OutOfDeliveryArea, message));
    }
    problems
        .into_iter()
        .map(|problem| problem.of_store(store.id))
        .collect()
}

/// The sum of a parcel's lines, for the price of its shipping.
///
/// # Errors
/// VALIDATION_ERROR when it does not fit.
pub(super) fn subtotal(parcel: &Parcel) -> Result<i64> {
    let lines = parcel.lines.iter();
    let sums = lines.map(|line| money::line_total(line.item.price, line.wanted.quantity));
    money::sum(sums.collect::<Result<Vec<i64>>>()?)
}

/// Prices the lines of one store.
///
/// # Errors
/// VALIDATION_ERROR when a sum does not fit.
pub(super) fn price(
    parcel: Parcel,
    currency: Currency,
    shipping: &Shipping,
    now: Time,
) -> Result<Priced> {
    let mut items = Vec::with_capacity(parcel.lines.len());
    let mut fields = Vec::with_capacity(parcel.lines.len());
    for Line { wanted, item, .. } in parcel.lines {
        items.push(Item {
            id: OrderItemId::new(now),
            product: Some(wanted.product),
            subtotal: money::line_total(item.price, wanted.quantity)?,
            name: item.name,
            image: item.image,
            sku: item.sku,
            unit_price: item.price,
            quantity: wanted.quantity,
            reel: wanted.reels.first().map(|(reel, _)| *reel),
        });
        fields.push(wanted.field);
    }
    let priced = total(Some(parcel.store), items, currency, shipping)?;
    Ok(Priced { fields, ..priced })
}

/// Prices free items: the client's own prices, and nobody ships them.
///
/// # Errors
/// VALIDATION_ERROR when a sum does not fit.
pub(super) fn price_free(items: &[FreeItem], currency: Currency, now: Time) -> Result<Priced> {
    let items: Result<Vec<Item>> = items
        .iter()
        .map(|item| {
            Ok(Item {
                id: OrderItemId::new(now),
                product: None,
                name: item.title.clone(),
                image: String::new(),
                sku: String::new(),
                unit_price: item.price,
                quantity: item.quantity,
                subtotal: money::line_total(item.price, item.quantity)?,
                reel: None,
            })
        })
        .collect();
    total(None, items?, currency, &Shipping::None)
}

fn total(
    store: Option<Arc<Store>>,
    items: Vec<Item>,
    currency: Currency,
    shipping: &Shipping,
) -> Result<Priced> {
    let subtotal = money::sum(items.iter().map(|item| item.subtotal))?;
    let (amount, days, known) = match shipping {
        Shipping::None => (0, None, true),
        Shipping::Unknown | Shipping::Refused(_) => (0, None, false),
        Shipping::Price { amount, days, .. } => (*amount, *days, true),
    };
    // Prices include tax, and there are no reductions yet.
    let totals = Totals {
        subtotal,
        shipping: amount,
        tax: 0,
        discount: 0,
        total: money::sum([subtotal, amount])?,
        currency,
    };
    Ok(Priced {
        store,
        items,
        fields: Vec::new(),
        totals,
        shipping_known: known,
        days,
    })
}

#[cfg(test)]
mod tests;
