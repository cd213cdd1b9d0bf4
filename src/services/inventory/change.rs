//! Changes of stock: taking, giving back, setting and adjusting.

use std::collections::BTreeMap;

use super::state::Reason;
use super::{Line, Stock, convert, store};
use crate::db::{NewEvent, Tx};
use crate::kernel::id::{OrderId, ProductId, StoreId, UserId};
use crate::kernel::{self, Error, Result};

/// What one record gains, negative where it loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// The store.
    pub store: StoreId,
    /// The product.
    pub product: ProductId,
    /// Pieces in the store.
    pub on_hand: i32,
    /// Pieces held for orders.
    pub reserved: i32,
}

/// Why stock changes, for its movements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The reason.
    pub reason: Reason,
    /// The order behind it.
    pub order: Option<OrderId>,
    /// Who acts; nobody for guests and the system.
    pub actor: Option<UserId>,
    /// What the actor noted.
    pub note: String,
    /// Whether a buyer wants the pieces: then they must be for sale.
    pub is_purchase: bool,
}

impl Cause {
    /// A buyer's wish.
    pub const fn purchase() -> Self {
        Self {
            reason: Reason::Sale,
            order: None,
            actor: None,
            note: String::new(),
            is_purchase: true,
        }
    }

    /// The change of an order.
    pub const fn of_order(reason: Reason, order: OrderId, actor: Option<UserId>) -> Self {
        Self {
            reason,
            order: Some(order),
            actor,
            note: String::new(),
            is_purchase: matches!(reason, Reason::Sale),
        }
    }
}

/// Pieces per record, from lines that may name one record several times.
///
/// # Errors
/// VALIDATION_ERROR when the sum does not fit.
pub fn per_record(lines: &[Line]) -> Result<BTreeMap<(StoreId, ProductId), i32>> {
    let mut pieces = BTreeMap::new();
    for line in lines {
        let sum: &mut i32 = pieces.entry((line.store, line.product)).or_default();
        *sum = sum.checked_add(line.quantity).ok_or_else(|| {
            Error::new(kernel::Reason::ValidationError, "the quantity is too large")
        })?;
    }
    Ok(pieces)
}

/// Applies shifts that a buyer wants: all of them, or OUT_OF_STOCK that names the lines
/// `{list}[i].quantity` that cannot be met, with what is available.
pub async fn purchase(
    tx: &Tx,
    list: &str,
    lines: &[Line],
    shifts: &[Shift],
    cause: &Cause,
) -> Result<Vec<Stock>> {
    let changed = store::shift::apply(tx, shifts, cause).await?;
    if changed.len() < shifts.len() {
        return Err(shortage(tx, list, lines, &changed).await?);
    }
    tell_all(tx, &changed, shifts);
    Ok(changed)
}

/// Applies shifts that undo or settle what was there before: all of them.
///
/// # Errors
/// INTERNAL when a record is missing, which the schema forbids.
pub async fn settle(tx: &Tx, shifts: &[Shift], cause: &Cause) -> Result<Vec<Stock>> {
    let changed = store::shift::apply(tx, shifts, cause).await?;
    if changed.len() < shifts.len() {
        return Err(Error::internal("stock to settle is missing"));
    }
    tell_all(tx, &changed, shifts);
    Ok(changed)
}

/// The refusal of a purchase. The records in `enough` had what was asked for, so the
/// lines of the others are at fault.
async fn shortage(tx: &Tx, list: &str, lines: &[Line], enough: &[Stock]) -> Result<Error> {
    let mut short = per_record(lines)?;
    for stock in enough {
        short.remove(&stock.key());
    }
    let pairs: Vec<_> = short.keys().copied().collect();
    let found = super::availability(tx.conn(), &pairs).await?;
    let mut error = Error::new(kernel::Reason::OutOfStock, "some items are not in stock");
    for (index, line) in lines.iter().enumerate() {
        let key = (line.store, line.product);
        if short.contains_key(&key) {
            let available = found.get(&key).map_or(0, |found| found.available);
            let message = match available {
                0 => "is out of stock".to_owned(),
                some => format!("only {some} available"),
            };
            error = error.because(format!("{list}[{index}].quantity"), message);
        }
    }
    Ok(error)
}

fn tell_all(tx: &Tx, changed: &[Stock], shifts: &[Shift]) {
    for after in changed {
        let shift = shifts
            .iter()
            .find(|shift| (shift.store, shift.product) == after.key());
        let before = shift.map(|shift| Stock {
            on_hand: after.on_hand - shift.on_hand,
            reserved: after.reserved - shift.reserved,
            ..after.clone()
        });
        tell(tx, before.as_ref(), after);
    }
}

/// Tells those who watch the store's stock that a record changed or, without `before`,
/// came to be.
pub fn tell(tx: &Tx, before: Option<&Stock>, after: &Stock) {
    tx.emit(NewEvent {
        topic: super::topic(after.store_id.into()),
        kind: match before {
            Some(before) if before.offer() == after.offer() => super::CHANGED,
            _ => super::OFFER_CHANGED,
        },
        aggregate: after.id,
        version: after.version,
        payload: convert::event(after, became_low(before, after)),
    });
}

/// Whether the change brought the record to its reorder level or below.
fn became_low(before: Option<&Stock>, after: &Stock) -> bool {
    after.is_low() && !before.is_some_and(Stock::is_low)
}

#[cfg(test)]
mod tests {
    use super::super::testing::stock;
    use super::*;
    use crate::kernel::Time;

    #[test]
    fn lines_of_one_record_are_added_up() {
        let now = Time::from_micros(0);
        let (store, one, two) = (StoreId::new(now), ProductId::new(now), ProductId::new(now));
        let line = |product, quantity| Line {
            store,
            product,
            quantity,
        };
        let pieces = per_record(&[line(one, 2), line(two, 1), line(one, 3)]).unwrap();
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[&(store, one)], 5);
        let refused = per_record(&[line(one, i32::MAX), line(one, 1)]).unwrap_err();
        assert_eq!(refused.reason(), kernel::Reason::ValidationError);
    }

    #[test]
    fn a_record_becomes_low_when_it_crosses_its_level() {
        // (level, available before, after, becomes low)
        for (level, before, after, low) in [
            (5, 6, 5, true),
            (5, 5, 4, false),
            (5, 4, 6, false),
            (0, 1, 0, false),
            (5, 10, 0, true),
        ] {
            let at = |on_hand| Stock {
                reorder_level: level,
                ..stock(on_hand)
            };
            assert_eq!(
                became_low(Some(&at(before)), &at(after)),
                low,
                "{level} {before} {after}"
            );
        }
        let new = Stock {
            reorder_level: 3,
            ..stock(1)
        };
        assert!(became_low(None, &new));
    }
}
