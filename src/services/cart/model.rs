//! The cart as its owner sees it now: lines by store with present prices and stock, what
//! is the matter with each, and what those that can be ordered sum to. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use crate::kernel::id::{CartLineId, ProductId, ReelId, StoreId};
use crate::kernel::{Currency, Reason, Result, Time, money};
use crate::services::catalog::{self, SaleItem};
use crate::services::stores::{Status, Store};

/// The most pieces of one line.
pub const MAX_PIECES: i32 = 100;

/// A product that a user means to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The line.
    pub id: CartLineId,
    /// The product.
    pub product: ProductId,
    /// The store.
    pub store: StoreId,
    /// Pieces, 1 to 100.
    pub quantity: i32,
    /// Price of one piece when its owner last saw it, in minor units.
    pub price_at_add: i64,
    /// When the line was added.
    pub added_at: Time,
    /// The reel that led to the product.
    pub reel: Option<ReelId>,
}

/// A product as it is offered now.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub item: SaleItem,
    /// Pieces that a buyer can have.
    pub available: i32,
}

impl Offer {
    /// Whether it is for sale at all.
    pub(super) fn is_on_sale(&self) -> bool {
        self.item.status == catalog::Status::Active
    }

    /// The most pieces that one cart may hold.
    pub(super) fn most(&self) -> i32 {
        self.available.clamp(0, MAX_PIECES)
    }
}

/// What is the matter with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    PriceChanged,
    OutOfStock,
    InsufficientStock,
    Unavailable,
    StoreNotActive,
    BelowMinimum,
}

impl Problem {
    /// Whether the line cannot be ordered as it is.
    pub(super) const fn is_blocking(self) -> bool {
        !matches!(self, Self::PriceChanged)
    }

    /// The reason that placing the order would give.
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::PriceChanged => Reason::PriceChanged,
            Self::OutOfStock | Self::InsufficientStock => Reason::OutOfStock,
            Self::Unavailable => Reason::ProductNotFound,
            Self::StoreNotActive => Reason::StoreNotActive,
            Self::BelowMinimum => Reason::MinQuantity,
        }
    }
}

/// A line as it stands now.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub line: Line,
    /// The product, as long as the catalog knows it.
    pub offer: Option<Offer>,
    /// The most pieces that can be bought now, at most 100.
    pub available: i32,
    /// Price of one piece now; that of then, when the product is gone.
    pub unit_price: i64,
    pub subtotal: i64,
    pub problems: Vec<Problem>,
}

impl Shown {
    fn can_be_ordered(&self) -> bool {
        !self.problems.iter().any(|problem| problem.is_blocking())
    }
}

/// The lines of one store.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub store: StoreId,
    /// Empty when the store is gone.
    pub store_name: String,
    pub lines: Vec<Shown>,
    /// Sum of the lines that can be ordered.
    pub subtotal: i64,
    pub currency: Currency,
}

/// A whole cart, or what it has of one store.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// Oldest first.
    pub groups: Vec<Group>,
    pub updated_at: Option<Time>,
    /// Sum of the groups with their currency; none when they have several.
    pub total: Option<(i64, Currency)>,
}

impl View {
    /// Every line.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Shown> {
        self.groups.iter().flat_map(|group| &group.lines)
    }

    /// Whether the lines can be ordered as they are.
    pub(super) fn is_valid(&self) -> bool {
        !self.groups.is_empty() && self.lines().all(Shown::can_be_ordered)
    }
}

/// What a cart shows.
///
/// # Errors
/// VALIDATION_ERROR when a sum does not fit.
pub(super) fn view(
    lines: Vec<Line>,
    mut offers: HashMap<ProductId, Offer>,
    stores: &HashMap<StoreId, Arc<Store>>,
    updated_at: Option<Time>,
    default_currency: Currency,
) -> Result<View> {
    let mut groups: Vec<Group> = Vec::new();
    for line in lines {
        let store = stores.get(&line.store).map(|store| &**store);
        let offer = offers.remove(&line.product);
        let shown = show(line, offer, store)?;
        let id = shown.line.store;
        match groups.iter_mut().find(|group| group.store == id) {
            Some(group) => group.lines.push(shown),
            None => groups.push(Group {
                store: id,
                store_name: store.map(|store| store.name.clone()).unwrap_or_default(),
                currency: currency_of(&shown, store, default_currency),
                lines: vec![shown],
                subtotal: 0,
            }),
        }
    }
    for group in &mut groups {
        let orderable = group.lines.iter().filter(|line| line.can_be_ordered());
        group.subtotal = money::sum(orderable.map(|line| line.subtotal))?;
    }
    let total = total(&groups, default_currency)?;
    Ok(View {
        groups,
        updated_at,
        total,
    })
}

fn currency_of(shown: &Shown, store: Option<&Store>, default: Currency) -> Currency {
    let offered = shown.offer.as_ref().map(|offer| offer.item.currency);
    offered
        .or(store.map(|store| store.currency))
        .unwrap_or(default)
}

fn total(groups: &[Group], default: Currency) -> Result<Option<(i64, Currency)>> {
    let currency = groups.first().map_or(default, |group| group.currency);
    if groups.iter().any(|group| group.currency != currency) {
        return Ok(None);
    }
    let sum = money::sum(groups.iter().map(|group| group.subtotal))?;
    Ok(Some((sum, currency)))
}

fn show(line: Line, offer: Option<Offer>, store: Option<&Store>) -> Result<Shown> {
    let problems = problems(&line, offer.as_ref(), store);
    let on_sale = offer.as_ref().filter(|offer| offer.is_on_sale());
    let unit_price = offer
        .as_ref()
        .map_or(line.price_at_add, |offer| offer.item.price);
    Ok(Shown {
        available: on_sale.map_or(0, Offer::most),
        subtotal: money::line_total(unit_price, line.quantity)?,
        unit_price,
        line,
        offer,
        problems,
    })
}

fn problems(line: &Line, offer: Option<&Offer>, store: Option<&Store>) -> Vec<Problem> {
    let Some(offer) = offer.filter(|offer| offer.is_on_sale()) else {
        return vec![Problem::Unavailable];
    };
    let stock = match offer.available {
        left if left <= 0 => Some(Problem::OutOfStock),
        left if left < line.quantity => Some(Problem::InsufficientStock),
        _ => None,
    };
    let is_active = store.is_some_and(|store| store.status() == Status::Active);
    let rules = [
        (!is_active).then_some(Problem::StoreNotActive),
        stock,
        (line.quantity < offer.item.min_order_quantity).then_some(Problem::BelowMinimum),
        (offer.item.price != line.price_at_add).then_some(Problem::PriceChanged),
    ];
    rules.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
