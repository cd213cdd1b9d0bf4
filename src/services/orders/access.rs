//! Who may know of an order, and as what. For everyone else it does not exist.

use super::Parts;
use super::model::Order;
use crate::db::{Conn, Tx};
use crate::kernel::id::{CheckoutGroupId, StoreId};
use crate::kernel::seal::Sealer;
use crate::kernel::{Call, Error, Result};

/// What a guest's token is made for; it opens nothing else.
const PURPOSE: &str = "guest-order";

/// How a caller stands to an order. One may be several at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Standing {
    /// Placed it, or holds the guest's token.
    pub buyer: bool,
    /// Owns its store or works for it.
    pub store: bool,
    /// Runs the marketplace.
    pub admin: bool,
}

impl Standing {
    /// Whether the caller may see the order at all.
    pub(super) const fn sees(self) -> bool {
        self.buyer || self.store || self.admin
    }

    /// The store through whose staff alone the caller sees the order.
    pub(super) fn by_staff(self, call: &Call, order: &Order) -> Option<StoreId> {
        let seller = order.seller.as_ref()?;
        let otherwise = self.buyer || self.admin || call.caller.user_id() == Some(seller.owner);
        (self.store && !otherwise).then_some(seller.store)
    }
}

/// The proof that lets a guest read, watch and cancel the orders of a checkout.
pub(super) fn guest_token(sealer: &Sealer, group: CheckoutGroupId) -> String {
    sealer.seal(PURPOSE, group.uuid().as_bytes())
}

fn is_proven(sealer: &Sealer, token: Option<&str>, order: &Order) -> bool {
    let opened = token.and_then(|token| sealer.open(PURPOSE, token));
    order.user.is_none() && opened.as_deref() == Some(order.group.uuid().as_bytes().as_slice())
}

/// How the caller stands to an order in person. Costs no look at the store's staff.
fn in_person(parts: &Parts, call: &Call, order: &Order, token: Option<&str>) -> Standing {
    let user = call.caller.user_id();
    let owns = user.is_some() && user == order.user;
    Standing {
        buyer: owns || is_proven(&parts.sealer, token, order),
        store: false,
        admin: call.caller.is_admin(),
    }
}

async fn works_for_store(
    parts: &Parts,
    conn: &impl Conn,
    call: &Call,
    order: &Order,
) -> Result<bool> {
    let (Some(user), Some(seller)) = (call.caller.user_id(), &order.seller) else {
        return Ok(false);
    };
    // The owner keeps the past orders of a store that is closed.
    if user == seller.owner {
        return Ok(true);
    }
    // Administrators pass for members everywhere, but they act in their own name.
    if call.caller.is_admin() {
        return Ok(false);
    }
    parts.stores.is_member(conn, call, seller.store).await
}

/// The order, when the caller may see it, and on what ground: its staff only when there
/// is no other.
///
/// # Errors
/// NOT_FOUND when there is none or the caller may not see it.
pub(super) async fn visible(
    parts: &Parts,
    conn: &impl Conn,
    call: &Call,
    found: Option<Order>,
    token: Option<&str>,
) -> Result<(Order, Standing)> {
    let order = found.ok_or_else(not_found)?;
    let mut standing = in_person(parts, call, &order, token);
    if !standing.sees() {
        standing.store = works_for_store(parts, conn, call, &order).await?;
    }
    seen(order, standing)
}

/// The order that the caller is about to change, with every quality that the caller has.
///
/// # Errors
/// NOT_FOUND when there is none or the caller may not see it.
pub(super) async fn acting(
    parts: &Parts,
    tx: &Tx,
    call: &Call,
    found: Option<Order>,
    token: Option<&str>,
) -> Result<(Order, Standing)> {
    let order = found.ok_or_else(not_found)?;
    let mut standing = in_person(parts, call, &order, token);
    standing.store = works_for_store(parts, tx.conn(), call, &order).await?;
    seen(order, standing)
}

fn seen(order: Order, standing: Standing) -> Result<(Order, Standing)> {
    if standing.sees() {
        Ok((order, standing))
    } else {
        Err(not_found())
    }
}

/// The one answer for what there is not and what the caller may not know of.
pub(super) fn not_found() -> Error {
    Error::not_found("order")
}
