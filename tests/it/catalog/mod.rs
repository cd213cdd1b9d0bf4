//! Categories, brands and products.

mod categories;
mod lists;
mod products;
mod search;
mod tiers;

use serde_json::Value;

/// The names of the products of an answer, in its order.
fn names(answer: &Value) -> Vec<&str> {
    let products = answer["products"].as_array().unwrap();
    products
        .iter()
        .map(|product| product["name"].as_str().unwrap())
        .collect()
}
