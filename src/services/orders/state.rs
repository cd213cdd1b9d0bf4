//! The life of an order: its states, and who may move it from which to which. Pure.

use crate::kernel::{Error, Reason, Result, words};

words! {
    /// Where an order is in its life.
    Status {
        /// Placed; the store has not confirmed it yet.
        Pending "PENDING",
        /// Placed; waits for an online payment.
        PaymentPending "PAYMENT_PENDING",
        /// Accepted by the store.
        Confirmed "CONFIRMED",
        /// Being prepared.
        Processing "PROCESSING",
        /// Prepared; waits for the courier or the buyer.
        Ready "READY",
        /// On its way.
        Shipped "SHIPPED",
        /// With the courier who hands it over.
        OutForDelivery "OUT_FOR_DELIVERY",
        /// Handed over.
        Delivered "DELIVERED",
        /// Called off.
        Cancelled "CANCELLED",
        /// Not paid in time.
        Failed "FAILED",
        /// Came back to the store.
        Returned "RETURNED",
    }
}

words! {
    /// Who moves an order.
    Actor {
        /// Who bought it, signed in or guest.
        Buyer "BUYER",
        /// A member of the store.
        Store "STORE",
        /// The courier.
        Courier "COURIER",
        /// An administrator: may do what the store may.
        Admin "ADMIN",
        /// Payments and deadlines.
        System "SYSTEM",
    }
}

words! {
    /// How the goods reach the buyer.
    DeliveryType {
        /// To the door.
        Home "HOME",
        /// To the courier's office.
        StopDesk "STOP_DESK",
        /// Fetched at the store.
        Pickup "PICKUP",
    }
}

words! {
    /// How an order is paid.
    PaymentMethod {
        /// Cash on delivery.
        Cod "COD",
        /// Postal account transfer.
        Ccp "CCP",
        /// Card at the store or on delivery.
        Card "CARD",
        /// Bank transfer.
        BankTransfer "BANK_TRANSFER",
        /// Online by Stripe.
        Stripe "STRIPE",
        /// Online by PayPal.
        Paypal "PAYPAL",
    }
}

words! {
    /// Whether an order is paid.
    PaymentStatus {
        /// Not yet.
        Pending "PENDING",
        /// In full.
        Paid "PAID",
        /// The payment failed.
        Failed "FAILED",
        /// A part was paid back.
        PartiallyRefunded "PARTIALLY_REFUNDED",
        /// All was paid back.
        Refunded "REFUNDED",
    }
}

impl Status {
    /// Whether nothing can happen to the order any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Failed | Self::Returned)
    }

    /// Whether somebody still waits for something: such an order keeps its store and
    /// its buyer from being deleted.
    pub const fn is_open(self) -> bool {
        !self.is_final() && !matches!(self, Self::Delivered)
    }
}

impl PaymentMethod {
    /// Whether a payment provider takes the money before the store sees the order.
    pub const fn is_online(self) -> bool {
        matches!(self, Self::Stripe | Self::Paypal)
    }
}

/// Checks a move.
///
/// # Errors
/// INVALID_STATUS_TRANSITION that names both states when nobody may make the move;
/// FORBIDDEN when somebody may, but not this actor.
pub fn check(from: Status, to: Status, actor: Actor, delivery: DeliveryType) -> Result<()> {
    let movers = movers(from, to, delivery);
    if movers.is_empty() {
        return Err(illegal(from, to));
    }
    let acts_as = if actor == Actor::Admin {
        Actor::Store
    } else {
        actor
    };
    if movers.contains(&acts_as) || (actor == Actor::Admin && movers.contains(&Actor::Courier)) {
        return Ok(());
    }
    Err(Error::forbidden(
        "this change of status is not yours to make",
    ))
}

/// The refusal of a move that nobody may make.
pub fn illegal(from: Status, to: Status) -> Error {
    let (from, to) = (from.as_str(), to.as_str());
    Error::new(
        Reason::InvalidStatusTransition,
        format!("an order cannot go from {from} to {to}"),
    )
    .with("from", from)
    .with("to", to)
}

/// Who may move an order from one state to the other; nobody when it is no move at all.
pub const fn movers(from: Status, to: Status, delivery: DeliveryType) -> &'static [Actor] {
    use Actor::{Buyer, Courier, Store, System};
    use Status::{
        Cancelled, Confirmed, Delivered, Failed, OutForDelivery, PaymentPending, Pending,
        Processing, Ready, Returned, Shipped,
    };
    match (from, to) {
        (Pending, Confirmed) => &[Store],
        // The system calls off what the store never confirmed.
        (Pending, Cancelled) => &[Buyer, Store, System],
        (PaymentPending, Confirmed | Failed) => &[System],
        (PaymentPending, Cancelled) => &[Buyer],
        (Confirmed, Processing) => &[Store],
        (Confirmed, Cancelled) => &[Buyer, Store],
        (Processing, Ready | Shipped | Cancelled) => &[Store],
        (Ready, Shipped | Cancelled) => &[Store],
        (Ready, OutForDelivery) => &[Courier],
        (Ready, Delivered) if matches!(delivery, DeliveryType::Pickup) => &[Store],
        (Shipped, OutForDelivery | Delivered | Returned) => &[Courier, Store],
        (OutForDelivery, Delivered | Returned) => &[Courier, Store],
        (OutForDelivery, Shipped) => &[Courier],
        (Delivered, Returned) => &[Store],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every legal move as a line: from, to, who.
    const LEGAL: &[(Status, Status, &[Actor])] = {
        use Actor::{Buyer, Courier, Store, System};
        use Status::{
            Cancelled, Confirmed, Delivered, Failed, OutForDelivery, PaymentPending, Pending,
            Processing, Ready, Returned, Shipped,
        };
        &[
            (Pending, Confirmed, &[Store]),
            (Pending, Cancelled, &[Buyer, Store, System]),
            (PaymentPending, Confirmed, &[System]),
            (PaymentPending, Failed, &[System]),
            (PaymentPending, Cancelled, &[Buyer]),
            (Confirmed, Processing, &[Store]),
            (Confirmed, Cancelled, &[Buyer, Store]),
            (Processing, Ready, &[Store]),
            (Processing, Shipped, &[Store]),
            (Processing, Cancelled, &[Store]),
            (Ready, Shipped, &[Store]),
            (Ready, OutForDelivery, &[Courier]),
            (Ready, Cancelled, &[Store]),
            (Shipped, OutForDelivery, &[Courier, Store]),
            (Shipped, Delivered, &[Courier, Store]),
            (Shipped, Returned, &[Courier, Store]),
            (OutForDelivery, Delivered, &[Courier, Store]),
            (OutForDelivery, Shipped, &[Courier]),
            (OutForDelivery, Returned, &[Courier, Store]),
            (Delivered, Returned, &[Store]),
        ]
    };

    #[test]
    fn every_pair_of_states_is_decided() {
        for from in Status::ALL.iter().copied() {
            for to in Status::ALL.iter().copied() {
                let row = LEGAL.iter().find(|(a, b, _)| (*a, *b) == (from, to));
                for actor in [Actor::Buyer, Actor::Store, Actor::Courier, Actor::System] {
                    let outcome = check(from, to, actor, DeliveryType::Home);
                    match row {
                        None => assert_eq!(
                            outcome.unwrap_err().reason(),
                            Reason::InvalidStatusTransition,
                            "{from:?} {to:?} {actor:?}"
                        ),
                        Some((_, _, who)) if who.contains(&actor) => outcome.unwrap(),
                        Some(_) => assert_eq!(outcome.unwrap_err().reason(), Reason::Forbidden),
                    }
                }
            }
        }
    }

    #[test]
    fn a_pickup_order_is_handed_over_at_the_counter() {
        check(
            Status::Ready,
            Status::Delivered,
            Actor::Store,
            DeliveryType::Pickup,
        )
        .unwrap();
        let refused = check(
            Status::Ready,
            Status::Delivered,
            Actor::Store,
            DeliveryType::StopDesk,
        );
        assert_eq!(
            refused.unwrap_err().reason(),
            Reason::InvalidStatusTransition
        );
    }

    #[test]
    fn an_administrator_may_do_what_store_and_courier_may() {
        check(
            Status::Pending,
            Status::Confirmed,
            Actor::Admin,
            DeliveryType::Home,
        )
        .unwrap();
        check(
            Status::OutForDelivery,
            Status::Shipped,
            Actor::Admin,
            DeliveryType::Home,
        )
        .unwrap();
        let refused = check(
            Status::PaymentPending,
            Status::Confirmed,
            Actor::Admin,
            DeliveryType::Home,
        );
        assert_eq!(refused.unwrap_err().reason(), Reason::Forbidden);
    }

    #[test]
    fn nothing_leaves_a_final_state() {
        for from in Status::ALL
            .iter()
            .copied()
            .filter(|status| status.is_final())
        {
            for to in Status::ALL.iter().copied() {
                assert!(movers(from, to, DeliveryType::Pickup).is_empty());
            }
        }
    }
}
