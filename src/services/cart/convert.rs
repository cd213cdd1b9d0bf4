//! Carts on the wire.

use super::model::{Group, Problem, Shown, View};
use crate::grpc;
use crate::grpc::convert::time_to_pb;
use crate::kernel::id::{CartLineId, StoreId};
use crate::kernel::{Error, Result};
use crate::pb::souk::cart::v1 as pb;
use crate::pb::souk::common::v1::ErrorReason;
use crate::services::catalog::SaleItem;

pub(super) fn view_to_pb(view: &View) -> pb::Cart {
    let (subtotal, currency) = total_to_pb(view);
    pb::Cart {
        item_count: item_count(view),
        quantity: quantity(view),
        subtotal,
        currency,
        has_problems: view.lines().any(|line| !line.problems.is_empty()),
        updated_at: view.updated_at.map(time_to_pb),
        groups: view.groups.iter().map(group_to_pb).collect(),
    }
}

/// A cart has at most 100 lines of at most 100 pieces.
fn item_count(view: &View) -> i32 {
    i32::try_from(view.lines().count()).unwrap_or(i32::MAX)
}

fn quantity(view: &View) -> i32 {
    view.lines().map(|line| line.line.quantity).sum()
}

fn total_to_pb(view: &View) -> (Option<i64>, String) {
    let (subtotal, currency) = view.total.unzip();
    (
        subtotal,
        currency
            .map(|currency| currency.to_string())
            .unwrap_or_default(),
    )
}

fn group_to_pb(group: &Group) -> pb::CartGroup {
    pb::CartGroup {
        store_id: group.store.to_string(),
        store_name: group.store_name.clone(),
        items: group
            .lines
            .iter()
            .map(|line| line_to_pb(line, group))
            .collect(),
        subtotal: group.subtotal,
        currency: group.currency.to_string(),
    }
}

fn line_to_pb(shown: &Shown, group: &Group) -> pb::CartItem {
    let (line, offer) = (&shown.line, shown.offer.as_ref());
    let text = |of: fn(&SaleItem) -> &String| {
        offer
            .map(|offer| of(&offer.item).clone())
            .unwrap_or_default()
    };
    pb::CartItem {
        reel_id: line.reel.map(|reel| reel.to_string()),
        id: line.id.to_string(),
        product_id: line.product.to_string(),
        store_id: line.store.to_string(),
        name: text(|item| &item.name),
        image: text(|item| &item.image),
        sku: text(|item| &item.sku),
        quantity: line.quantity,
        unit_price: shown.unit_price,
        price_at_add: line.price_at_add,
        currency: group.currency.to_string(),
        subtotal: shown.subtotal,
        available: shown.available,
        problems: shown
            .problems
            .iter()
            .map(|problem| kind_to_pb(*problem))
            .collect(),
        added_at: Some(time_to_pb(line.added_at)),
    }
}

/// One line of a cart.
///
/// # Errors
/// INTERNAL when the view does not have it.
pub(super) fn item_to_pb(view: &View, id: CartLineId) -> Result<pb::CartItem> {
    let groups = view.groups.iter();
    let mut lines = groups.flat_map(|group| group.lines.iter().map(move |line| (line, group)));
    let found = lines.find(|(shown, _)| shown.line.id == id);
    let (shown, group) = found.ok_or_else(|| Error::internal("a changed line is not shown"))?;
    Ok(line_to_pb(shown, group))
}

fn kind_to_pb(problem: Problem) -> i32 {
    use pb::cart_item::Problem as Wire;
    let kind = match problem {
        Problem::PriceChanged => Wire::PriceChanged,
        Problem::OutOfStock => Wire::OutOfStock,
        Problem::InsufficientStock => Wire::InsufficientStock,
        Problem::Unavailable => Wire::Unavailable,
        Problem::StoreNotActive => Wire::StoreNotActive,
        Problem::BelowMinimum => Wire::BelowMinimum,
    };
    kind as i32
}

pub(super) fn problems_to_pb(view: &View) -> Vec<pb::CartProblem> {
    let of_line = |shown: &Shown| {
        let told: Vec<pb::CartProblem> = shown
            .problems
            .iter()
            .map(|problem| problem_to_pb(*problem, shown))
            .collect();
        told
    };
    view.lines().flat_map(of_line).collect()
}

fn problem_to_pb(problem: Problem, shown: &Shown) -> pb::CartProblem {
    let reason = ErrorReason::from_str_name(problem.reason().as_str()).unwrap_or_default();
    pb::CartProblem {
        item_id: shown.line.id.to_string(),
        product_id: shown.line.product.to_string(),
        store_id: shown.line.store.to_string(),
        problem: kind_to_pb(problem),
        code: reason as i32,
        message: message(problem, shown),
        blocking: problem.is_blocking(),
    }
}

fn message(problem: Problem, shown: &Shown) -> String {
    let name = shown
        .offer
        .as_ref()
        .map_or("this product", |offer| offer.item.name.as_str());
    match problem {
        Problem::PriceChanged => {
            let (then, now) = (shown.line.price_at_add, shown.unit_price);
            format!("the price of {name} went from {then} to {now}")
        }
        Problem::OutOfStock => format!("{name} is out of stock"),
        Problem::InsufficientStock => format!("only {} of {name} left", shown.available),
        Problem::Unavailable => format!("{name} is no longer on sale"),
        Problem::StoreNotActive => format!("the store of {name} takes no orders now"),
        Problem::BelowMinimum => {
            let least = shown
                .offer
                .as_ref()
                .map_or(1, |offer| offer.item.min_order_quantity);
            format!("at least {least} of {name} per order")
        }
    }
}

pub(super) fn summary_to_pb(view: &View) -> pb::GetCartSummaryResponse {
    let (subtotal, currency) = total_to_pb(view);
    let summary = |group: &Group| pb::CartGroupSummary {
        store_id: group.store.to_string(),
        store_name: group.store_name.clone(),
        item_count: i32::try_from(group.lines.len()).unwrap_or(i32::MAX),
        quantity: group.lines.iter().map(|line| line.line.quantity).sum(),
        subtotal: group.subtotal,
        currency: group.currency.to_string(),
    };
    pb::GetCartSummaryResponse {
        groups: view.groups.iter().map(summary).collect(),
        item_count: item_count(view),
        quantity: quantity(view),
        subtotal,
        currency,
    }
}

/// A store in a field that may be empty.
///
/// # Errors
/// VALIDATION_ERROR when it is not an id.
pub(super) fn store_from_pb(id: &str) -> Result<Option<StoreId>> {
    if id.is_empty() {
        Ok(None)
    } else {
        grpc::id("storeId", id).map(Some)
    }
}
