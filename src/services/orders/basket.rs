//! What a request wants to order. The lines decide the kind; kinds never mix. Pure.

use std::collections::HashMap;

use crate::kernel::id::{ProductId, ReelId, StoreId};
use crate::kernel::{Error, Reason, Result, Violation};

/// One line of a request, as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub product: Option<ProductId>,
    pub quantity: i32,
    pub title: Option<String>,
    pub price: Option<i64>,
    pub reel: Option<ReelId>,
}

/// Pieces of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub product: ProductId,
    pub quantity: i32,
    /// Where the request says so, for refusals.
    pub field: String,
    /// The reels that led to the product, each where the request names it. The first one
    /// counts.
    pub reels: Vec<(ReelId, String)>,
}

/// Pieces of something that the marketplace does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FreeItem {
    pub title: String,
    pub price: i64,
    pub quantity: i32,
}

/// What to order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Basket {
    /// Products, all of one store when it is named.
    Products(Vec<Wanted>, Option<StoreId>),
    /// The caller's cart lines of a store.
    Cart(StoreId),
    /// Free items with the client's own titles and prices.
    Free(Vec<FreeItem>),
}

/// Reads the lines of a request.
///
/// # Errors
/// MIXED_ITEMS when products and free items stand side by side; VALIDATION_ERROR when
/// nothing is wanted or a line is incomplete.
pub(super) fn read(lines: Vec<Line>, store: Option<StoreId>) -> Result<Basket> {
    if lines.is_empty() {
        let nothing = || Error::field("items", "send items, or the storeId of cart lines to order");
        return store.map(Basket::Cart).ok_or_else(nothing);
    }
    let is_free = |line: &Line| line.title.is_some() || line.price.is_some();
    for (place, line) in lines.iter().enumerate() {
        if line.product.is_some() && is_free(line) {
            return Err(mixed(format!("items[{place}]")));
        }
    }
    let free = lines.iter().filter(|line| is_free(line)).count();
    if free > 0 && lines.iter().any(|line| line.product.is_some()) {
        return Err(mixed("items".to_owned()));
    }
    if free > 0 {
        return free_items(lines, store);
    }
    products(lines).map(|wanted| Basket::Products(wanted, store))
}

fn mixed(field: String) -> Error {
    Error::new(
        Reason::MixedItems,
        "products and free items cannot be ordered together",
    )
    .at(field)
}

fn missing(field: String, message: &str) -> Violation {
    Violation {
        field,
        message: message.to_owned(),
    }
}

/// One entry per product: lines of the same product are one wish.
fn products(lines: Vec<Line>) -> Result<Vec<Wanted>> {
    let mut wanted: Vec<Wanted> = Vec::with_capacity(lines.len());
    let mut places: HashMap<ProductId, usize> = HashMap::with_capacity(lines.len());
    let mut violations = Vec::new();
    for (place, line) in lines.into_iter().enumerate() {
        let Some(product) = line.product else {
            let field = format!("items[{place}].productId");
            violations.push(missing(field, "is required, or title and price"));
            continue;
        };
        let field = format!("items[{place}].quantity");
        let reel = line
            .reel
            .map(|reel| (reel, format!("items[{place}].reelId")));
        match places.get(&product) {
            Some(first) => {
                let sum = wanted[*first].quantity.checked_add(line.quantity);
                wanted[*first].quantity = sum.ok_or_else(|| Error::field(field, "is too large"))?;
                wanted[*first].reels.extend(reel);
            }
            None => {
                places.insert(product, wanted.len());
                wanted.push(Wanted {
                    product,
                    quantity: line.quantity,
                    field,
                    reels: reel.into_iter().collect(),
                });
            }
        }
    }
    if violations.is_empty() {
        Ok(wanted)
    } else {
        Err(Error::fields(violations))
    }
}

fn free_items(lines: Vec<Line>, store: Option<StoreId>) -> Result<Basket> {
    let mut violations = Vec::new();
    if store.is_some() {
        violations.push(missing(
            "storeId".to_owned(),
            "free items belong to no store",
        ));
    }
    let mut items = Vec::with_capacity(lines.len());
    for (place, line) in lines.into_iter().enumerate() {
        if line.reel.is_some() {
            let field = format!("items[{place}].reelId");
            violations.push(missing(field, "free items come from no reel"));
        }
        match (line.title, line.price) {
            (Some(title), Some(price)) => {
                items.push(FreeItem {
                    title,
                    price,
                    quantity: line.quantity,
                });
            }
            (None, _) => violations.push(missing(format!("items[{place}].title"), "is required")),
            (_, None) => violations.push(missing(format!("items[{place}].price"), "is required")),
        }
    }
    if violations.is_empty() {
        Ok(Basket::Free(items))
    } else {
        Err(Error::fields(violations))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Time;

    fn line(product: Option<ProductId>, quantity: i32) -> Line {
        Line {
            product,
            quantity,
            ..Line::default()
        }
    }

    fn free(title: Option<&str>, price: Option<i64>) -> Line {
        Line {
            product: None,
            quantity: 1,
            title: title.map(str::to_owned),
            price,
            reel: None,
        }
    }

    #[test]
    fn the_lines_decide_the_kind() {
        let now = Time::from_micros(1);
        let (store, product) = (StoreId::new(now), ProductId::new(now));
        assert_eq!(read(vec![], Some(store)).unwrap(), Basket::Cart(store));
        let direct = read(vec![line(Some(product), 2)], Some(store)).unwrap();
        let wanted = Wanted {
            product,
            quantity: 2,
            field: "items[0].quantity".to_owned(),
            reels: Vec::new(),
        };
        assert_eq!(direct, Basket::Products(vec![wanted], Some(store)));
        let items = read(vec![free(Some("Lamp"), Some(500))], None).unwrap();
        let lamp = FreeItem {
            title: "Lamp".to_owned(),
            price: 500,
            quantity: 1,
        };
        assert_eq!(items, Basket::Free(vec![lamp]));
    }

    #[test]
    fn lines_of_one_product_are_one_wish() {
        let now = Time::from_micros(1);
        let (a, b) = (ProductId::new(now), ProductId::new(now));
        let lines = vec![line(Some(a), 2), line(Some(b), 1), line(Some(a), 3)];
        let Basket::Products(wanted, None) = read(lines, None).unwrap() else {
            panic!()
        };
        let sums: Vec<_> = wanted
            .iter()
            .map(|one| (one.product, one.quantity))
            .collect();
        assert_eq!(sums, [(a, 5), (b, 1)]);
        let too_many = vec![line(Some(a), i32::MAX), line(Some(a), 1)];
        assert_eq!(
            read(too_many, None).unwrap_err().violations()[0].field,
            "items[1].quantity"
        );
    }

    #[test]
    fn the_reels_of_one_wish_keep_their_places() {
        let now = Time::from_micros(1);
        let (product, reel) = (ProductId::new(now), ReelId::new(now));
        let led = Line {
            reel: Some(reel),
            ..line(Some(product), 1)
        };
        let lines = vec![line(Some(product), 1), led.clone(), led];
        let Basket::Products(wanted, None) = read(lines, None).unwrap() else {
            panic!()
        };
        let fields = ["items[1].reelId", "items[2].reelId"];
        assert_eq!(
            wanted[0].reels,
            fields.map(|field| (reel, field.to_owned()))
        );
    }

    #[test]
    fn a_mix_a_gap_and_nothing_are_refused_by_name() {
        let now = Time::from_micros(1);
        let product = Some(ProductId::new(now));
        let both = Line {
            product,
            quantity: 1,
            title: Some("Lamp".to_owned()),
            price: None,
            reel: None,
        };
        let of_a_reel = Line {
            reel: Some(ReelId::new(now)),
            ..free(Some("Lamp"), Some(1))
        };
        let cases = [
            (vec![], None, Reason::ValidationError, "items"),
            (vec![both], None, Reason::MixedItems, "items[0]"),
            (
                vec![line(product, 1), free(Some("Lamp"), Some(1))],
                None,
                Reason::MixedItems,
                "items",
            ),
            (
                vec![line(None, 1)],
                None,
                Reason::ValidationError,
                "items[0].productId",
            ),
            (
                vec![free(None, Some(1))],
                None,
                Reason::ValidationError,
                "items[0].title",
            ),
            (
                vec![free(Some("Lamp"), None)],
                None,
                Reason::ValidationError,
                "items[0].price",
            ),
            (
                vec![of_a_reel],
                None,
                Reason::ValidationError,
                "items[0].reelId",
            ),
            (
                vec![free(Some("Lamp"), Some(1))],
                Some(StoreId::new(now)),
                Reason::ValidationError,
                "storeId",
            ),
        ];
        for (lines, store, reason, field) in cases {
            let error = read(lines, store).unwrap_err();
            assert_eq!(
                (error.reason(), error.violations()[0].field.as_str()),
                (reason, field)
            );
        }
    }
}
