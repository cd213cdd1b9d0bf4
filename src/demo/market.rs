//! The sample marketplace: real wilayas, stores in Algiers and Oran, their products and
//! stock. Made through the API, as sellers would make it.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::call::{Call, Client};
use super::{reels, sign_in};

const MARKET: &str = include_str!("market.json");

/// What the story needs to know of the market.
pub(super) struct Market {
    /// The access token of each store's seller, by the store's id.
    pub(super) sellers: HashMap<String, String>,
    /// Stores and products that exist now.
    pub(super) stores: usize,
    /// See `stores`.
    pub(super) products: usize,
}

/// Fills the marketplace.
pub(super) async fn fill(client: &Client, admin: &str) -> Result<Market> {
    let mut sample: Value = serde_json::from_str(MARKET)?;
    for name in list(&sample["categories"]) {
        let call = Call::new(
            "a category",
            "CatalogService/CreateCategory",
            json!({"name": name}),
        );
        client.quiet(call.by(admin)).await?;
    }
    let mut market = Market {
        sellers: HashMap::new(),
        stores: 0,
        products: 0,
    };
    for seller in sample["sellers"].as_array_mut().context("sellers")? {
        let token = sign_in(client, &text(&seller["phone"]), "STORE_OWNER").await?;
        let name = Call::new(
            "a name",
            "UserService/UpdateMe",
            json!({"name": seller["name"]}),
        );
        client.quiet(name.by(&token)).await?;
        for store in seller["stores"].as_array_mut().context("stores")? {
            let (id, products) = open(client, &token, store).await?;
            market.sellers.insert(id, token.clone());
            market.products += products;
            market.stores += 1;
        }
    }
    Ok(market)
}

/// Opens one store and puts its products on sale; gives its id and says how many.
async fn open(client: &Client, token: &str, store: &mut Value) -> Result<(String, usize)> {
    let products = store["products"].take();
    if let Some(fields) = store.as_object_mut() {
        fields.remove("products");
    }
    let opened = Call::new("a store", "StoreService/CreateStore", store.clone());
    let opened = client.quiet(opened.by(token)).await?;
    let products = list(&products);
    for product in &products {
        let mut product = product.clone();
        let reel = product["reel"].take();
        if let Some(fields) = product.as_object_mut() {
            fields.remove("reel");
        }
        product["storeId"] = opened["store"]["id"].clone();
        let created = Call::new("a product", "CatalogService/CreateProduct", product);
        let created = client.quiet(created.by(token)).await?;
        if !reel.is_null() {
            reels::film(client, token, &created["product"]["id"], &reel["caption"]).await?;
        }
    }
    Ok((text(&opened["store"]["id"]), products.len()))
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
