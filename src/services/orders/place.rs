//! Placing orders: one per store under a checkout group, all or none, with their stock.

use super::announce::{self, Change};
use super::basket::Basket;
use super::model::{Draft, Entry, Order, Receiver, Seller, Source};
use super::pricing::{self, Priced};
use super::quote::{self, Checkout, Quoted, Stock};
use super::receiver::{self, Needs, Profile};
use super::state::{DeliveryType, PaymentMethod};
use super::{Parts, number, store};
use crate::db::Tx;
use crate::kernel::id::{CheckoutGroupId, UserId};
use crate::kernel::{Call, Caller, Error, Reason, Result, Time};
use crate::services::cart;
use crate::services::inventory;
use crate::services::users;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A wish to order.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub checkout: Checkout,
    pub payment_method: PaymentMethod,
    pub notes: String,
    /// What the client showed the buyer.
    pub expected_total: Option<i64>,
}

/// Orders that were placed at once.
#[derive(Debug)]
pub(super) struct Placed {
    pub group: CheckoutGroupId,
    /// At least one.
    pub orders: Vec<(Order, Entry)>,
}

/// Places the orders of a checkout.
///
/// # Errors
/// Whatever stands in the way; see the contract's list.
pub(super) async fn place(parts: &Parts, tx: &Tx, call: &Call, wish: &Wish) -> Result<Placed> {
    check_payment(wish.payment_method, &call.caller)?;
    let (buyer, now) = (call.caller.user_id(), tx.now());
    let receiver = receiver_of(parts, tx, buyer, &wish.checkout).await?;
    let quoted = quote::quote(parts, tx.conn(), call, &wish.checkout, Stock::Taken, now).await?;
    if let Some(refusal) = pricing::refusal(&quoted.problems) {
        return Err(refusal);
    }
    check_total(&quoted, wish.expected_total)?;
    let group = CheckoutGroupId::new(now);
    let source = quoted.source;
    let fields: Vec<Vec<String>> = quoted
        .orders
        .iter()
        .map(|priced| priced.fields.clone())
        .collect();
    let orders: Vec<(Order, Entry)> = quoted
        .orders
        .into_iter()
        .map(|priced| {
            let draft = draft(wish, &receiver, buyer, group, source, priced, now);
            Order::place(draft, now)
        })
        .collect();
    take_stock(tx, &orders, &fields, buyer).await?;
    store::insert(tx, &orders).await?;
    if let Some(user) = buyer.filter(|_| !quoted.cart_lines.is_empty()) {
        cart::remove_lines(tx, user, &quoted.cart_lines).await?;
    }
    for (order, entry) in &orders {
        announce::tell(tx, order, Change::Created(entry));
    }
    Ok(Placed { group, orders })
}

/// Who pays how. A guest pays when the goods arrive: nobody else can be held to it.
fn check_payment(method: PaymentMethod, caller: &Caller) -> Result<()> {
    if caller.user_id().is_none() && method != PaymentMethod::Cod {
        let message = "guests pay cash on delivery";
        return Err(Error::new(Reason::PaymentMethodUnsupported, message).at("paymentMethod"));
    }
    if method.is_online() {
        let message = "this payment method is not available at the moment";
        return Err(Error::new(Reason::PaymentProviderUnavailable, message).at("paymentMethod"));
    }
    Ok(())
}

async fn receiver_of(
    parts: &Parts,
    tx: &Tx,
    buyer: Option<UserId>,
    checkout: &Checkout,
) -> Result<Receiver> {
    let profile = match buyer {
        Some(user) if checkout.wish.needs_profile() => profile_of(tx, user).await?,
        _ => Profile::default(),
    };
    let needs = match checkout.basket {
        Basket::Free(_) => Needs::Nothing,
        Basket::Products(..) | Basket::Cart(_) => Needs::Everything,
    };
    let code = parts.settings.default_phone_country.as_deref();
    receiver::read(&checkout.wish, checkout.delivery, &profile, needs, code)
}

async fn profile_of(tx: &Tx, user: UserId) -> Result<Profile> {
    let known = users::find(tx.conn(), user).await?;
    Ok(known.map_or_else(Profile::default, |user| Profile {
        name: user.name,
        phone: user.phone,
        email: user.email,
    }))
}

/// The buyer agreed to what the client showed; anything else is asked again.
fn check_total(quoted: &Quoted, expected: Option<i64>) -> Result<()> {
    match expected {
        Some(expected) if expected != quoted.total => {
            let message = "prices have changed; look at the new total and order again";
            Err(Error::new(Reason::PriceChanged, message)
                .with("total", quoted.total)
                .with("currency", quoted.currency))
        }
        _ => Ok(()),
    }
}

fn draft(
    wish: &Wish,
    receiver: &Receiver,
    buyer: Option<UserId>,
    group: CheckoutGroupId,
    source: Source,
    priced: Priced,
    now: Time,
) -> Draft {
    let store = priced.store.as_deref();
    Draft {
        number: number::new(now),
        group,
        user: buyer,
        seller: store.map(|store| Seller {
            store: store.id,
            owner: store.owner,
        }),
        store_name: store.map(|store| store.name.clone()).unwrap_or_default(),
        source,
        offer: None,
        payment_method: wish.payment_method,
        delivery_type: wish.checkout.delivery,
        receiver: receiver.clone(),
        items: priced.items,
        totals: priced.totals,
        notes: wish.notes.clone(),
        estimated_delivery_at: expected_at(wish.checkout.delivery, priced.days, now),
    }
}

fn expected_at(delivery: DeliveryType, days: Option<i32>, now: Time) -> Option<Time> {
    let days = days.filter(|_| delivery != DeliveryType::Pickup)?;
    Some(now + DAY * days.unsigned_abs())
}

/// Takes the goods of every order. Stores come in one fixed order, so that two checkouts
/// never wait for each other in a circle.
///
/// # Errors
/// OUT_OF_STOCK that names every line of the request that is short.
async fn take_stock(
    tx: &Tx,
    orders: &[(Order, Entry)],
    fields: &[Vec<String>],
    buyer: Option<UserId>,
) -> Result<()> {
    let orders = orders.iter().map(|(order, _)| order);
    let mut takings: Vec<(&Order, &Vec<String>)> = orders.zip(fields).collect();
    takings.sort_by_key(|(order, _)| order.seller.as_ref().map(|seller| seller.store));
    let mut short: Option<Error> = None;
    for (order, fields) in takings {
        let lines = order.stock_lines();
        if lines.is_empty() {
            continue;
        }
        match inventory::take(tx, &lines, order.id, buyer).await {
            Ok(()) => {}
            Err(refused) if refused.reason() == Reason::OutOfStock => {
                short = Some(named(short, &refused, fields));
            }
            Err(error) => return Err(error),
        }
    }
    short.map_or(Ok(()), Err)
}

/// The refusal of one order's lines, with the names that the request has for them, added
/// to what is short of other orders.
fn named(short: Option<Error>, refused: &Error, fields: &[String]) -> Error {
    let first = || Error::new(refused.reason(), refused.message().to_owned());
    let mut error = short.unwrap_or_else(first);
    for violation in refused.violations() {
        let place =
            (0..fields.len()).find(|place| violation.field == format!("items[{place}].quantity"));
        let field = place.map_or(&violation.field, |place| &fields[place]);
        error = error.because(field.clone(), violation.message.clone());
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_pay_cash_and_nobody_pays_online_yet() {
        use PaymentMethod::{BankTransfer, Card, Ccp, Cod, Paypal, Stripe};
        let user = Caller::User {
            id: UserId::new(Time::from_micros(1)),
            role: crate::kernel::Role::Customer,
            session: crate::kernel::id::SessionId::new(Time::from_micros(1)),
        };
        for method in [Cod, Ccp, Card, BankTransfer] {
            check_payment(method, &user).unwrap();
            let guest = check_payment(method, &Caller::Anonymous).map_err(|error| error.reason());
            let expected = if method == Cod {
                Ok(())
            } else {
                Err(Reason::PaymentMethodUnsupported)
            };
            assert_eq!(guest, expected);
        }
        for method in [Stripe, Paypal] {
            let refused = check_payment(method, &user).unwrap_err();
            assert_eq!(refused.reason(), Reason::PaymentProviderUnavailable);
        }
    }
}
