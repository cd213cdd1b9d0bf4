//! A marketplace made by real calls: a store, its products, and what buyers ask for.

use std::collections::BTreeMap;

use souk::pb::souk::catalog::v1::CreateProductRequest;
use souk::pb::souk::common::v1::Address;
use souk::pb::souk::inventory::v1::{ListStockRequest, Stock};
use souk::pb::souk::orders::v1::{ListSellerOrdersRequest, Order, OrderLine, PlaceOrderRequest};
use souk::pb::souk::stores::v1::CreateStoreRequest;

use super::client::Caller;

/// A store with its goods, seen by its owner.
pub struct Shop {
    pub owner: Caller,
    pub store_id: String,
    pub goods: Vec<Good>,
}

/// A product on sale.
#[derive(Debug, Clone)]
pub struct Good {
    pub product_id: String,
    pub stock_id: String,
    /// Pieces at the start.
    pub stock: i32,
}

impl Shop {
    /// Opens a store with one product for each number of pieces.
    pub async fn open(owner: Caller, name: &str, stocks: &[i32]) -> Self {
        let request = CreateStoreRequest {
            name: name.to_owned(),
            description: "Everything for the house".to_owned(),
            phone: "0555010101".to_owned(),
            address: Some(Address {
                street: Some("12 rue Didouche Mourad".to_owned()),
                city: Some("Alger Centre".to_owned()),
                wilaya: Some("16".to_owned()),
                latitude: Some(36.7538),
                longitude: Some(3.0588),
                ..Address::default()
            }),
            ..CreateStoreRequest::default()
        };
        let answer = owner.stores().create_store(owner.ask(request)).await;
        let store_id = answer.unwrap().into_inner().store.unwrap().id;
        let mut shop = Self {
            owner,
            store_id,
            goods: Vec::new(),
        };
        for (index, stock) in stocks.iter().enumerate() {
            let good = shop.add(&format!("{name} {index}"), *stock).await;
            shop.goods.push(good);
        }
        shop
    }

    /// The same store, seen through the process at `url`.
    pub fn at(&self, url: &str) -> Self {
        Self {
            owner: self.owner.over(Caller::guest(url)),
            store_id: self.store_id.clone(),
            goods: self.goods.clone(),
        }
    }

    async fn add(&self, name: &str, stock: i32) -> Good {
        let request = CreateProductRequest {
            store_id: self.store_id.clone(),
            name: name.to_owned(),
            description: "Made of olive wood, finished with beeswax by hand. ".repeat(6),
            price: 1250,
            stock,
            images: vec!["https://img.example.dz/products/bowl.jpg".to_owned()],
            tags: vec!["kitchen".to_owned(), "wood".to_owned()],
            ..CreateProductRequest::default()
        };
        let mut catalog = self.owner.catalog();
        let answer = catalog.create_product(self.owner.ask(request)).await;
        let product_id = answer.unwrap().into_inner().product.unwrap().id;
        let request = ListStockRequest {
            store_id: self.store_id.clone(),
            product_id: product_id.clone(),
            ..ListStockRequest::default()
        };
        let mut inventory = self.owner.inventory();
        let answer = inventory.list_stock(self.owner.ask(request)).await;
        let stocks = answer.unwrap().into_inner().stock;
        assert_eq!(stocks.len(), 1, "one stock record per product");
        assert_eq!(stocks[0].available, stock);
        Good {
            product_id,
            stock_id: stocks[0].id.clone(),
            stock,
        }
    }

    /// Every stock record of the store, by product.
    pub async fn stocks(&self) -> BTreeMap<String, Stock> {
        let mut all = BTreeMap::new();
        let mut page_token = String::new();
        loop {
            let request = ListStockRequest {
                store_id: self.store_id.clone(),
                limit: 100,
                page_token,
                ..ListStockRequest::default()
            };
            let mut inventory = self.owner.inventory();
            let answer = inventory.list_stock(self.owner.ask(request)).await;
            let page = answer.unwrap().into_inner();
            all.extend(page.stock.into_iter().map(|it| (it.product_id.clone(), it)));
            page_token = page.meta.unwrap().next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// Every order of the store, newest first.
    pub async fn orders(&self) -> Vec<Order> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListSellerOrdersRequest {
                store_id: self.store_id.clone(),
                limit: 100,
                page_token,
                ..ListSellerOrdersRequest::default()
            };
            let mut orders = self.owner.orders();
            let answer = orders.list_seller_orders(self.owner.ask(request)).await;
            let page = answer.unwrap().into_inner();
            all.extend(page.orders);
            page_token = page.meta.unwrap().next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }
}

/// Lines of a request: product and pieces.
pub fn lines<'a>(wishes: impl IntoIterator<Item = (&'a Good, i32)>) -> Vec<OrderLine> {
    wishes
        .into_iter()
        .map(|(good, quantity)| OrderLine {
            product_id: Some(good.product_id.clone()),
            quantity,
            ..OrderLine::default()
        })
        .collect()
}

/// A request that guests and signed-in buyers may send alike. The note tells the orders
/// of different wishes apart.
pub fn order(note: &str, items: Vec<OrderLine>) -> PlaceOrderRequest {
    PlaceOrderRequest {
        items,
        customer_name: Some("Amina Haddad".to_owned()),
        customer_phone: Some("0661234567".to_owned()),
        customer_wilaya: Some("16".to_owned()),
        commune: Some("Bab El Oued".to_owned()),
        shipping_address: Some("7 rue des Frères Bouadou".to_owned()),
        notes: Some(note.to_owned()),
        ..PlaceOrderRequest::default()
    }
}
