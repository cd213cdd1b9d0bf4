//! What happens to an order after it was placed: its moves, its cancellation, the wish to
//! return it. Each change is one row of history, one version, and one event per topic.

use std::time::Duration;

use super::access::{self, Standing};
use super::announce::{self, Change};
use super::model::{Entry, Move, Order};
use super::state::{self, Actor, Status};
use super::{Parts, store};
use crate::db::Tx;
use crate::kernel::id::OrderId;
use crate::kernel::{Call, Error, Reason, Result, Time};
use crate::services::inventory;

/// How long after delivery goods may be sent back.
pub(super) const RETURN_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// An order with its history.
pub(super) type Told = (Order, Vec<Entry>);

/// A wish to move an order.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub to: Status,
    pub note: String,
    pub tracking_number: Option<String>,
}

/// Moves an order for its store or an administrator.
///
/// # Errors
/// NOT_FOUND, FORBIDDEN, INVALID_STATUS_TRANSITION.
pub(super) async fn step(
    parts: &Parts,
    tx: &Tx,
    call: &Call,
    id: OrderId,
    step: &Step,
) -> Result<Told> {
    let found = store::lock(tx, id).await?;
    let (mut order, standing) = access::acting(parts, tx, call, found, None).await?;
    let actor = match standing {
        Standing { store: true, .. } => Actor::Store,
        Standing { admin: true, .. } => Actor::Admin,
        _ => return Err(Error::forbidden("only the store moves its orders")),
    };
    let tracked = match &step.tracking_number {
        Some(number) if *number != order.tracking_number => {
            order.tracking_number.clone_from(number);
            true
        }
        _ => false,
    };
    if order.status() != step.to {
        let wish = wish(tx, call, step.to, actor, step.note.clone());
        advance(tx, &mut order, wish).await?;
    } else if tracked {
        update(tx, &mut order).await?;
    }
    told(tx, order).await
}

/// Cancels an order for its buyer, its store or an administrator. Cancelling it again
/// changes nothing.
///
/// # Errors
/// NOT_FOUND, CANCEL_NOT_ALLOWED.
pub(super) async fn cancel(
    parts: &Parts,
    tx: &Tx,
    call: &Call,
    id: OrderId,
    reason: &str,
    token: Option<&str>,
) -> Result<Told> {
    let found = store::lock(tx, id).await?;
    let (mut order, standing) = access::acting(parts, tx, call, found, token).await?;
    if order.status() != Status::Cancelled {
        let actor = canceller(&order, standing)?;
        let wish = wish(tx, call, Status::Cancelled, actor, reason.to_owned());
        advance(tx, &mut order, wish).await?;
    }
    told(tx, order).await
}

/// In which of their qualities the caller may cancel the order.
fn canceller(order: &Order, standing: Standing) -> Result<Actor> {
    let qualities = [
        (standing.buyer, Actor::Buyer),
        (standing.store, Actor::Store),
        (standing.admin, Actor::Admin),
    ];
    let held = qualities
        .into_iter()
        .filter(|(held, _)| *held)
        .map(|(_, actor)| actor);
    let may = |actor: &Actor| {
        state::check(
            order.status(),
            Status::Cancelled,
            *actor,
            order.delivery_type,
        )
        .is_ok()
    };
    held.into_iter().find(may).ok_or_else(|| {
        let status = order.status().as_str();
        let message = format!("an order that is {status} cannot be cancelled any more");
        Error::new(Reason::CancelNotAllowed, message).with("status", status)
    })
}

/// Notes that the buyer wants to return a delivered order. Asking again changes nothing.
///
/// # Errors
/// NOT_FOUND, FORBIDDEN, INVALID_STATUS_TRANSITION when it is not delivered or too late.
pub(super) async fn request_return(
    parts: &Parts,
    tx: &Tx,
    call: &Call,
    id: OrderId,
    reason: &str,
    token: Option<&str>,
) -> Result<Told> {
    let found = store::lock(tx, id).await?;
    let (mut order, standing) = access::acting(parts, tx, call, found, token).await?;
    if !standing.buyer {
        return Err(Error::forbidden("only the buyer asks to return an order"));
    }
    if order.return_requested.is_none() {
        check_return(&order, tx.now())?;
        order.return_requested = Some((tx.now(), reason.to_owned()));
        update(tx, &mut order).await?;
    }
    told(tx, order).await
}

/// Goods come back while the window is open, or later when the buyer asked in time.
fn check_return(order: &Order, now: Time) -> Result<()> {
    if order.status() != Status::Delivered {
        return Err(state::illegal(order.status(), Status::Returned));
    }
    let closes_at = order.life().delivered_at.unwrap_or(now) + RETURN_WINDOW;
    if now <= closes_at || order.return_requested.is_some() {
        return Ok(());
    }
    Err(state::illegal(order.status(), Status::Returned).with("returnWindow", "closed"))
}

/// Cancels an order that no store confirmed in time, unless somebody was faster.
///
/// # Errors
/// Those of the database.
pub(super) async fn expire(tx: &Tx, id: OrderId, placed_before: Time) -> Result<bool> {
    let Some(mut order) = store::lock(tx, id).await? else {
        return Ok(false);
    };
    if order.status() != Status::Pending || order.created_at >= placed_before {
        return Ok(false);
    }
    let wish = Move {
        to: Status::Cancelled,
        actor: Actor::System,
        actor_id: None,
        note: "the store did not confirm the order in time".to_owned(),
        at: tx.now(),
    };
    advance(tx, &mut order, wish).await?;
    Ok(true)
}

fn wish(tx: &Tx, call: &Call, to: Status, actor: Actor, note: String) -> Move {
    Move {
        to,
        actor,
        actor_id: call.caller.user_id(),
        note,
        at: tx.now(),
    }
}

/// Moves an order with everything that follows from it.
pub(super) async fn advance(tx: &Tx, order: &mut Order, wish: Move) -> Result<()> {
    let from = order.status();
    if (from, wish.to) == (Status::Delivered, Status::Returned) {
        check_return(order, wish.at)?;
    }
    let entry = order.advance(wish)?;
    store::save(tx, order).await?;
    store::append(tx, order.id, &entry).await?;
    give_back(tx, order, from, &entry).await?;
    announce::tell(tx, order, Change::Moved(&entry));
    Ok(())
}

/// Gives the stock back of an order that came to nothing. No status leads to these twice,
/// and the version guards the move, so it happens once.
async fn give_back(tx: &Tx, order: &Order, from: Status, entry: &Entry) -> Result<()> {
    let reason = match order.status() {
        // Nothing was taken yet, only held.
        Status::Cancelled | Status::Failed if from == Status::PaymentPending => {
            return inventory::release_for_order(tx, order.id, inventory::Status::Released).await;
        }
        Status::Cancelled | Status::Failed => inventory::Reason::Cancellation,
        Status::Returned => inventory::Reason::Return,
        _ => return Ok(()),
    };
    let lines = order.stock_lines();
    if lines.is_empty() {
        return Ok(());
    }
    inventory::restock(tx, &lines, order.id, reason, entry.actor_id).await
}

/// Writes a change that is not a move.
async fn update(tx: &Tx, order: &mut Order) -> Result<()> {
    order.touch(tx.now());
    store::save(tx, order).await?;
    announce::tell(tx, order, Change::Updated);
    Ok(())
}

async fn told(tx: &Tx, order: Order) -> Result<Told> {
    let history = store::history(tx.conn(), order.id).await?;
    Ok((order, history))
}
