//! Arranging: sellers with stores, products with stock, orders. Each shows only what a
//! test cares about.

use souk::pb::souk::catalog::v1::{CreateProductRequest, Product};
use souk::pb::souk::common::v1::Address;
use souk::pb::souk::orders::v1::{Order, OrderLine, PlaceOrderRequest};
use souk::pb::souk::stores::v1::{AddManagerRequest, CreateStoreRequest, RemoveManagerRequest};

use super::{Client, TestApp};

/// A seller with one store in Algiers.
pub struct Seller {
    pub client: Client,
    pub store: String,
}

impl TestApp {
    /// A seller with an open store.
    pub async fn seller(&self) -> Seller {
        let client = self.customer().await;
        let store = self
            .store(&client, "Épicerie El Baraka", 36.7910, 3.0510)
            .await;
        Seller { client, store }
    }

    /// Another store of a user.
    pub async fn store(&self, owner: &Client, name: &str, latitude: f64, longitude: f64) -> String {
        let address = Address {
            street: Some("14 Avenue Colonel Lotfi".into()),
            city: Some("Alger".into()),
            wilaya: Some("16".into()),
            country: Some("DZ".into()),
            latitude: Some(latitude),
            longitude: Some(longitude),
            ..Address::default()
        };
        let request = CreateStoreRequest {
            name: name.into(),
            address: Some(address),
            ..Default::default()
        };
        let created = owner
            .stores()
            .create_store(request)
            .await
            .unwrap()
            .into_inner();
        created.store.unwrap().id
    }
}

impl TestApp {}

impl Seller {
    /// A product on sale; price in centimes.
    pub async fn product(&self, name: &str, price: i64, stock: i32) -> Product {
        let request = CreateProductRequest {
            store_id: self.store.clone(),
            name: name.into(),
            price,
            stock,
            ..Default::default()
        };
        let created = self.client.catalog().create_product(request).await.unwrap();
        created.into_inner().product.unwrap()
    }

    /// Lets somebody work for the store.
    pub async fn hire(&self, member: &Client) {
        let add = AddManagerRequest {
            store_id: self.store.clone(),
            user_id: member.user_id.clone(),
            ..Default::default()
        };
        self.client.stores().add_manager(add).await.unwrap();
    }

    /// Lets somebody work for the store no longer.
    pub async fn dismiss(&self, member: &Client) {
        let remove = RemoveManagerRequest {
            store_id: self.store.clone(),
            user_id: member.user_id.clone(),
        };
        self.client.stores().remove_manager(remove).await.unwrap();
    }
}

/// Where an order goes, when a test does not care: a home in Algiers.
pub struct ShippingTo;

impl ShippingTo {
    /// A request for pieces of products, ready to place.
    pub fn algiers(lines: &[(&str, i32)]) -> PlaceOrderRequest {
        PlaceOrderRequest {
            items: lines
                .iter()
                .map(|(product, quantity)| OrderLine {
                    product_id: Some((*product).into()),
                    quantity: *quantity,
                    ..Default::default()
                })
                .collect(),
            customer_name: Some("Amine Cherif".into()),
            customer_phone: Some("0551000001".into()),
            customer_wilaya: Some("16".into()),
            shipping_address: Some("12 Rue Didouche Mourad".into()),
            ..Default::default()
        }
    }
}

impl Client {
    /// An order of one product.
    pub async fn order(&self, product: &str, quantity: i32) -> Order {
        let request = ShippingTo::algiers(&[(product, quantity)]);
        self.orders()
            .place_order(request)
            .await
            .unwrap()
            .into_inner()
            .order
            .unwrap()
    }
}
