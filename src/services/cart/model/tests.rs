//! What a cart shows and what is the matter with its lines.

use super::*;

const NOW: Time = Time::from_micros(1_000_000);

fn offer(price: i64, available: i32) -> Offer {
    let item = SaleItem {
        product: ProductId::new(NOW),
        store: StoreId::new(NOW),
        seller: crate::kernel::id::UserId::new(NOW),
        tier: None,
        name: "Honey".to_owned(),
        slug: "honey".to_owned(),
        image: String::new(),
        sku: String::new(),
        price,
        price_before: None,
        currency: Currency::DZD,
        min_order_quantity: 1,
        status: catalog::Status::Active,
        in_stock: available > 0,
    };
    Offer { item, available }
}

fn line(offer: &Offer, quantity: i32, price_at_add: i64) -> Line {
    Line {
        id: CartLineId::new(NOW),
        product: offer.item.product,
        store: offer.item.store,
        quantity,
        price_at_add,
        added_at: NOW,
        reel: None,
    }
}

/// The problems of two pieces that were added at 500.
fn found(change: impl FnOnce(&mut Offer)) -> Vec<Problem> {
    let mut offer = offer(500, 10);
    let line = line(&offer, 2, 500);
    change(&mut offer);
    let mut problems = problems(&line, Some(&offer), None);
    // No store is given here, so every line has this one.
    problems.retain(|problem| *problem != Problem::StoreNotActive);
    problems
}

#[test]
fn every_problem_is_found() {
    use Problem::{BelowMinimum, InsufficientStock, OutOfStock, PriceChanged, Unavailable};
    assert_eq!(found(|_| {}), []);
    assert_eq!(found(|offer| offer.available = 0), [OutOfStock]);
    assert_eq!(found(|offer| offer.available = 1), [InsufficientStock]);
    assert_eq!(found(|offer| offer.item.price = 600), [PriceChanged]);
    assert_eq!(
        found(|offer| offer.item.min_order_quantity = 3),
        [BelowMinimum]
    );
    assert_eq!(
        found(|offer| offer.item.status = catalog::Status::Inactive),
        [Unavailable]
    );
    let gone = line(&offer(500, 1), 1, 500);
    assert_eq!(problems(&gone, None, None), [Unavailable]);
}

#[test]
fn a_changed_price_alone_lets_a_line_be_ordered() {
    let problems = [
        (Problem::PriceChanged, false),
        (Problem::OutOfStock, true),
        (Problem::InsufficientStock, true),
        (Problem::Unavailable, true),
        (Problem::StoreNotActive, true),
        (Problem::BelowMinimum, true),
    ];
    for (problem, blocks) in problems {
        assert_eq!(problem.is_blocking(), blocks, "{problem:?}");
    }
}

#[test]
fn lines_that_cannot_be_ordered_do_not_count() {
    let gone = offer(700, 0);
    let line = line(&gone, 2, 700);
    let offers = HashMap::from([(gone.item.product, gone)]);
    let view = view(
        vec![line],
        offers,
        &HashMap::new(),
        Some(NOW),
        Currency::DZD,
    )
    .unwrap();
    assert_eq!(view.groups[0].lines[0].subtotal, 1400);
    assert_eq!(view.groups[0].subtotal, 0);
    assert!(!view.is_valid());
    assert_eq!(view.total, Some((0, Currency::DZD)));
}

#[test]
fn an_empty_cart_has_nothing_to_order() {
    let empty = view(
        Vec::new(),
        HashMap::new(),
        &HashMap::new(),
        None,
        Currency::DZD,
    )
    .unwrap();
    assert!(!empty.is_valid());
    assert_eq!(empty.total, Some((0, Currency::DZD)));
}

#[test]
fn no_more_than_a_hundred_pieces_can_be_held() {
    for (available, most) in [(-1, 0), (0, 0), (7, 7), (100, 100), (5000, 100)] {
        assert_eq!(offer(1, available).most(), most);
    }
}
