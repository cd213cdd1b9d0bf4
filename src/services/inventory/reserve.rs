//! Reservations: holding pieces for a while, and the one end of each.

use std::collections::BTreeMap;
use std::time::Duration;

use super::change::{self, Cause, Shift};
use super::state::{Reason, Status};
use super::{Line, Reservation, shifts, store};
use crate::db::Tx;
use crate::kernel::id::{OrderId, ReservationId, UserId};
use crate::kernel::{self, Error, Result};

/// Reservations that one user may hold at a time, so that nobody empties a store without
/// buying.
const MAX_HELD: u64 = 20;

/// Reservations that one transaction of the sweeper ends.
pub const SWEEP: u64 = 100;

/// Which reservations end together.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// All of an order.
    Order(OrderId),
    /// A single one.
    One(ReservationId),
}

/// Holds pieces; `list` is the request's field that a shortage names.
pub async fn hold(
    tx: &Tx,
    list: &str,
    lines: &[Line],
    ttl: Duration,
    user: Option<UserId>,
    order: Option<OrderId>,
) -> Result<Vec<Reservation>> {
    let shifts = shifts(lines, |pieces| (0, pieces))?;
    if let Some(user) = user {
        tx.take_turns(&format!("reservations/{}", user.uuid()))
            .await?;
        let held = store::reservations::count_held(tx, user).await?;
        if held + shifts.len() as u64 > MAX_HELD {
            return Err(Error::new(
                kernel::Reason::RateLimitExceeded,
                "too many reservations at a time",
            )
            .with("limit", MAX_HELD));
        }
    }
    let cause = Cause {
        order,
        actor: user,
        ..Cause::purchase()
    };
    let changed = change::purchase(tx, list, lines, &shifts, &cause).await?;
    let held = changed.iter().filter_map(|stock| {
        let shift = shifts
            .iter()
            .find(|shift| (shift.store, shift.product) == stock.key())?;
        Some(Reservation {
            id: ReservationId::new(tx.now()).uuid(),
            stock_id: stock.id,
            store_id: stock.store_id,
            product_id: stock.product_id,
            quantity: shift.reserved,
            user_id: user.map(UserId::uuid),
            order_id: order.map(OrderId::uuid),
            status: Status::Reserved.as_str().to_owned(),
            expires_at: (tx.now() + ttl).micros(),
            created_at: tx.now().micros(),
            ended_at: None,
        })
    });
    let held: Vec<Reservation> = held.collect();
    store::reservations::insert(tx, &held).await?;
    Ok(held)
}

/// Takes held pieces out of the stock; answers the reservations, now USED.
pub async fn commit(tx: &Tx, which: Which, actor: Option<UserId>) -> Result<Vec<Reservation>> {
    let used = store::reservations::end(tx, which, Status::Used).await?;
    let all = store::reservations::find(tx, which).await?;
    if all.is_empty() {
        return Err(match which {
            Which::Order(_) => expired(),
            Which::One(_) => Error::not_found("reservation"),
        });
    }
    for reservation in &all {
        match reservation.status() {
            Status::Used => {}
            // Still open after `end` means that its time was over.
            Status::Reserved | Status::Expired => return Err(expired()),
            given_back @ (Status::Released | Status::Cancelled) => {
                return Err(wrong_step(given_back, Status::Used));
            }
        }
    }
    settle(tx, &used, -1, actor).await?;
    Ok(all)
}

/// Gives held pieces back; answers those that this call ended.
pub async fn release(tx: &Tx, which: Which, end: Status) -> Result<Vec<Reservation>> {
    let ended = store::reservations::end(tx, which, end).await?;
    settle(tx, &ended, 0, None).await?;
    Ok(ended)
}

/// Gives one reservation back on an administrator's word; answers it as it stands.
pub async fn release_one(tx: &Tx, id: ReservationId) -> Result<Reservation> {
    release(tx, Which::One(id), Status::Released).await?;
    let found = store::reservations::find(tx, Which::One(id)).await?.pop();
    let found = found.ok_or_else(|| Error::not_found("reservation"))?;
    if found.status().is_given_back() {
        Ok(found)
    } else {
        Err(wrong_step(found.status(), Status::Released))
    }
}

/// Ends reservations whose time is over, each exactly once however many processes sweep;
/// answers how many, [`SWEEP`] at the most.
pub async fn expire(tx: &Tx) -> Result<u64> {
    let ended = store::reservations::expire(tx, SWEEP).await?;
    settle(tx, &ended, 0, None).await?;
    Ok(ended.len() as u64)
}

/// What ended reservations do to their stock: nothing is reserved for them any more, and
/// `on_hand` changes by the given part of each quantity.
async fn settle(tx: &Tx, ended: &[Reservation], on_hand: i32, actor: Option<UserId>) -> Result<()> {
    // One movement tells of one order.
    let mut by_order: BTreeMap<Option<uuid::Uuid>, Vec<Line>> = BTreeMap::new();
    for reservation in ended {
        let order = if on_hand == 0 {
            None
        } else {
            reservation.order_id
        };
        by_order.entry(order).or_default().push(reservation.line());
    }
    for (order, lines) in by_order {
        let shifts: Vec<Shift> = shifts(&lines, |pieces| (pieces * on_hand, -pieces))?;
        let cause = Cause {
            reason: Reason::Sale,
            order: order.map(OrderId::from),
            actor,
            note: String::new(),
            is_purchase: false,
        };
        change::settle(tx, &shifts, &cause).await?;
    }
    Ok(())
}

fn expired() -> Error {
    Error::new(
        kernel::Reason::ReservationExpired,
        "the reservation ended before it was used",
    )
}

fn wrong_step(from: Status, to: Status) -> Error {
    Error::new(
        kernel::Reason::InvalidStatusTransition,
        format!(
            "a reservation cannot go from {} to {}",
            from.as_str(),
            to.as_str()
        ),
    )
    .with("from", from.as_str())
    .with("to", to.as_str())
}

impl Reservation {
    /// Where it is in its life. The table knows no other word; if it did, it would be over.
    pub fn status(&self) -> Status {
        Status::from_word(&self.status).unwrap_or(Status::Cancelled)
    }

    fn line(&self) -> Line {
        Line {
            store: self.store_id.into(),
            product: self.product_id.into(),
            quantity: self.quantity,
        }
    }
}
