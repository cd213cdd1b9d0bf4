//! Sums and problems of lines.

use super::*;
use crate::kernel::Code;
use crate::services::catalog::Status;

const NOW: Time = Time::from_micros(1_000_000);

fn wanted(quantity: i32, place: usize) -> Wanted {
    Wanted {
        product: ProductId::new(NOW),
        quantity,
        field: format!("items[{place}].quantity"),
        reels: Vec::new(),
    }
}

fn line(quantity: i32, least: i32, available: Option<i32>) -> Line {
    let wanted = wanted(quantity, 0);
    let item = SaleItem {
        product: wanted.product,
        store: StoreId::new(NOW),
        seller: UserId::new(NOW),
        tier: None,
        name: "Honey".to_owned(),
        slug: "honey".to_owned(),
        image: String::new(),
        sku: String::new(),
        price: 500,
        price_before: None,
        currency: Currency::DZD,
        min_order_quantity: least,
        status: Status::Active,
        in_stock: true,
    };
    Line {
        wanted,
        item,
        available,
    }
}

#[test]
fn a_line_is_short_too_small_or_fine() {
    for (quantity, least, available, problem) in [
        (2, 1, None, None),
        (2, 1, Some(2), None),
        (2, 1, Some(1), Some(Reason::OutOfStock)),
        (2, 3, Some(9), Some(Reason::MinQuantity)),
        (2, 3, Some(0), Some(Reason::OutOfStock)),
    ] {
        let found = line_problem(&line(quantity, least, available));
        let reason = found.map(|problem| problem.reason);
        assert_eq!(reason, problem, "{quantity} {least} {available:?}");
    }
}

#[test]
fn a_refusal_names_every_line_of_its_reason() {
    let short = |place| Problem {
        available: Some(1),
        ..Problem::new(Reason::OutOfStock, format!("only 1 left of {place}"))
    };
    let problems = [
        short(0).of_line(&wanted(2, 0)),
        Problem::new(Reason::MinQuantity, "too few").of_line(&wanted(1, 1)),
        short(2).of_line(&wanted(2, 2)),
    ];
    let refused = refusal(&problems).unwrap();
    assert_eq!(refused.reason(), Reason::OutOfStock);
    assert_eq!(refused.metadata()["available"], "1");
    let told: Vec<_> = refused
        .violations()
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(told, ["items[0].quantity", "items[2].quantity"]);
    assert!(refusal(&[]).is_none());
}

#[test]
fn sums_are_checked() {
    let item = |price, quantity| FreeItem {
        title: "Lamp".to_owned(),
        price,
        quantity,
    };
    let priced = price_free(&[item(100, 2), item(25, 4)], Currency::DZD, NOW).unwrap();
    assert_eq!((priced.totals.subtotal, priced.totals.total), (300, 300));
    for items in [vec![item(i64::MAX, 2)], vec![item(i64::MAX, 1), item(1, 1)]] {
        let refused = price_free(&items, Currency::DZD, NOW).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[test]
fn shipping_is_added_once_it_is_known() {
    let at = |shipping| total(None, Vec::new(), Currency::DZD, &shipping).unwrap();
    let priced = at(Shipping::Price {
        amount: 70_000,
        days: Some(3),
    });
    assert_eq!((priced.totals.total, priced.days), (70_000, Some(3)));
    assert!(priced.shipping_known);
    assert!(!at(Shipping::Unknown).shipping_known);
    assert!(at(Shipping::None).shipping_known);
}
