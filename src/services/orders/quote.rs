//! What a checkout would cost: the lines by store, with the prices, stock and shipping of
//! now. Placing an order begins with the same steps.

use std::collections::HashMap;

use super::Parts;
use super::basket::{Basket, Wanted};
use super::model::Source;
use super::pricing::{self, Line, Parcel, Priced, Problem, Shipping};
use super::receiver::Wish;
use super::reels;
use super::state::DeliveryType;
use crate::db::Conn;
use crate::kernel::id::{CartLineId, ProductId, StoreId, UserId};
use crate::kernel::wilaya::is_algeria;
use crate::kernel::{Call, Code, Currency, Error, Reason, Result, Time, money};
use crate::services::cart;
use crate::services::catalog::{SaleItem, Status};
use crate::services::inventory;
use crate::services::shipping::{Destination, Handover};

/// What to price.
#[derive(Debug, Clone)]
pub(super) struct Checkout {
    pub basket: Basket,
    pub delivery: DeliveryType,
    pub wish: Wish,
    /// The currency that the client expects; that of free items.
    pub currency: Option<Currency>,
}

/// How the stock is seen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stock {
    /// Read, so that what is short shows among the problems.
    Shown,
    /// Not read: it is taken next, which tells what is short for sure.
    Taken,
}

/// What a checkout costs, order by order, and what stands in its way.
#[derive(Debug)]
pub(super) struct Quoted {
    pub source: Source,
    pub orders: Vec<Priced>,
    pub problems: Vec<Problem>,
    pub total: i64,
    pub currency: Currency,
    /// The cart lines behind it, which leave the cart when it is ordered.
    pub cart_lines: Vec<CartLineId>,
}

/// Prices a checkout for a buyer.
///
/// # Errors
/// What no other request of the same form could do better: VALIDATION_ERROR,
/// UNKNOWN_WILAYA, MIXED_CURRENCIES, CART_EMPTY, TOKEN_MISSING, FORBIDDEN.
pub(super) async fn quote(
    parts: &Parts,
    conn: &impl Conn,
    call: &Call,
    checkout: &Checkout,
    stock: Stock,
    now: Time,
) -> Result<Quoted> {
    let buyer = call.caller.user_id();
    match &checkout.basket {
        Basket::Free(items) => {
            signed_in(buyer)?;
            if !parts.settings.allow_adhoc_items {
                return Err(Error::field("items", "free items are switched off here"));
            }
            let currency = checkout.currency.unwrap_or(parts.settings.currency);
            let order = pricing::price_free(items, currency, now)?;
            summed(Source::AdHoc, vec![order], Vec::new(), currency, Vec::new())
        }
        Basket::Products(wanted, store) => {
            let lines = lines(parts, conn, call, wanted, *store, stock).await?;
            reels::check(conn, &lines.0).await?;
            products(parts, conn, buyer, checkout, lines, now).await
        }
        Basket::Cart(store) => {
            let lines = cart::lines_for_checkout(conn, signed_in(buyer)?, *store).await?;
            if lines.is_empty() {
                let message = "the cart has nothing of this store";
                return Err(Error::new(Reason::CartEmpty, message).with("storeId", store));
            }
            let ids = lines.iter().map(|line| line.id).collect();
            let wanted: Vec<Wanted> = lines
                .into_iter()
                .map(|line| Wanted {
                    product: line.product,
                    quantity: line.quantity,
                    field: format!("cart[{}].quantity", line.id),
                    reels: reels::of_cart(&line),
                })
                .collect();
            let lines = self::lines(parts, conn, call, &wanted, Some(*store), stock).await?;
            let quoted = products(parts, conn, buyer, checkout, lines, now).await?;
            Ok(Quoted {
                source: Source::Cart,
                cart_lines: ids,
                ..quoted
            })
        }
    }
}

fn signed_in(buyer: Option<UserId>) -> Result<UserId> {
    buyer.ok_or_else(|| Error::new(Reason::TokenMissing, "sign in to order these"))
}

/// Wishes with what is sold now; the others are problems.
type Lines = (Vec<Line>, Vec<Problem>);

async fn lines(
    parts: &Parts,
    conn: &impl Conn,
    call: &Call,
    wanted: &[Wanted],
    of_store: Option<StoreId>,
    stock: Stock,
) -> Result<Lines> {
    let ids: Vec<ProductId> = wanted.iter().map(|one| one.product).collect();
    let items = parts.catalog.sale_items(conn, call, &ids).await?;
    let pairs: Vec<_> = items
        .iter()
        .map(|item| (item.store, item.product))
        .collect();
    let there = match stock {
        Stock::Shown => Some(inventory::availability(conn, &pairs).await?),
        Stock::Taken => None,
    };
    let available = |item: &SaleItem| {
        let found = there.as_ref()?.get(&(item.store, item.product));
        Some(found.map_or(0, |found| found.available))
    };
    let on_sale = items
        .into_iter()
        .filter(|item| item.status == Status::Active);
    let mut on_sale: HashMap<ProductId, SaleItem> =
        on_sale.map(|item| (item.product, item)).collect();
    let (mut found, mut problems) = (Vec::with_capacity(wanted.len()), Vec::new());
    for one in wanted {
        match on_sale.remove(&one.product) {
            Some(item) if of_store.is_some_and(|store| store != item.store) => {
                let field = one.field.replace("quantity", "productId");
                return Err(Error::field(field, "is not a product of this store"));
            }
            Some(item) => {
                let available = available(&item);
                found.push(Line {
                    wanted: one.clone(),
                    item,
                    available,
                });
            }
            None => problems.push(pricing::not_on_sale(one)),
        }
    }
    Ok((found, problems))
}

async fn products(
    parts: &Parts,
    conn: &impl Conn,
    buyer: Option<UserId>,
    checkout: &Checkout,
    (found, mut problems): Lines,
    now: Time,
) -> Result<Quoted> {
    let currency = one_currency(&found, checkout.currency)?.unwrap_or(parts.settings.currency);
    let mut orders = Vec::new();
    let known = matches!(checkout.basket, Basket::Cart(_));
    for parcel in by_store(parts, conn, found, known, &mut problems).await? {
        problems.extend(pricing::line_problems(&parcel, buyer));
        let subtotal = pricing::subtotal(&parcel)?;
        let to = checkout.wish.location();
        problems.extend(pricing::store_problems(
            &parcel.store,
            subtotal,
            checkout.delivery,
            to,
        ));
        let shipping = shipping(parts, conn, checkout, &parcel, subtotal).await?;
        if let Shipping::Refused(problem) = &shipping {
            problems.push(problem.clone());
        }
        // What a store sells and what it ships for must add up.
        if parcel.store.currency != currency {
            return Err(mixed_currencies());
        }
        orders.push(pricing::price(parcel, currency, &shipping, now)?);
    }
    summed(Source::Direct, orders, problems, currency, Vec::new())
}

/// The currency of all lines; it must be the one that the client expects.
fn one_currency(lines: &[Line], expected: Option<Currency>) -> Result<Option<Currency>> {
    let mut currencies = lines.iter().map(|line| line.item.currency);
    let first = currencies.next();
    if currencies.any(|currency| Some(currency) != first) {
        return Err(mixed_currencies());
    }
    match (first, expected) {
        (Some(first), Some(expected)) if first != expected => Err(Error::field(
            "currency",
            format!("the prices are in {first}"),
        )),
        _ => Ok(first.or(expected)),
    }
}

fn mixed_currencies() -> Error {
    Error::new(
        Reason::MixedCurrencies,
        "one checkout has one currency; order these apart",
    )
}

/// One parcel per store, in the order in which the stores are first named. The products of
/// a store that was closed are problems, and so are those of a store that not everyone may
/// know of, unless the buyer already knows it by the cart.
async fn by_store(
    parts: &Parts,
    conn: &impl Conn,
    lines: Vec<Line>,
    known: bool,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Parcel>> {
    let mut parcels: Vec<Parcel> = Vec::new();
    for line in lines {
        let place = parcels
            .iter()
            .position(|parcel| parcel.store.id == line.item.store);
        if let Some(place) = place {
            parcels[place].lines.push(line);
            continue;
        }
        match parts.stores.get(conn, line.item.store).await {
            Ok(store) if known || store.is_public() => parcels.push(Parcel {
                store,
                lines: vec![line],
            }),
            Ok(_) => problems.push(pricing::not_on_sale(&line.wanted)),
            Err(refused) if refused.code() == Code::NotFound => {
                problems.push(pricing::not_on_sale(&line.wanted));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(parcels)
}

async fn shipping(
    parts: &Parts,
    conn: &impl Conn,
    checkout: &Checkout,
    parcel: &Parcel,
    subtotal: i64,
) -> Result<Shipping> {
    let handover = match checkout.delivery {
        DeliveryType::Pickup => return Ok(Shipping::None),
        DeliveryType::StopDesk => Handover::StopDesk,
        DeliveryType::Home => Handover::Home,
    };
    let to = match checkout.wish.wilaya()? {
        Some(wilaya) => Destination::Wilaya(wilaya),
        None if is_algeria(Some(&checkout.wish.country())) => return Ok(Shipping::Unknown),
        None => Destination::Abroad,
    };
    match parts
        .shipping
        .quote(conn, &parcel.store, to, handover, subtotal)
        .await
    {
        Ok(quote) => Ok(Shipping::Price {
            amount: quote.amount,
            days: quote.days,
        }),
        Err(refused) if refused.code() == Code::FailedPrecondition => {
            let problem = Problem::new(refused.reason(), refused.message());
            Ok(Shipping::Refused(problem.of_store(parcel.store.id)))
        }
        Err(error) => Err(error),
    }
}

fn summed(
    source: Source,
    orders: Vec<Priced>,
    problems: Vec<Problem>,
    currency: Currency,
    cart_lines: Vec<CartLineId>,
) -> Result<Quoted> {
    let total = money::sum(orders.iter().map(|order| order.totals.total))?;
    Ok(Quoted {
        source,
        orders,
        problems,
        total,
        currency,
        cart_lines,
    })
}
