//! Arranging: sellers with stores, products with stock, orders. Each shows only what a
//! test cares about.

use souk::kernel::id::{MediaId, ProductId, ReelId, StoreId, UserId};
use souk::pb::souk::catalog::v1::{CreateProductRequest, Product};
use souk::pb::souk::common::v1::Address;
use souk::pb::souk::orders::v1::{Order, OrderLine, PlaceOrderRequest};
use souk::pb::souk::stores::v1::CreateStoreRequest;

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

impl TestApp {
    /// A reel that is shown, of a product of a seller's only store. It is put into the
    /// database as it is once its video is measured.
    pub async fn reel(&self, seller: &Seller, product: &str) -> String {
        let (media, reel) = (
            MediaId::new(self.clock.now()),
            ReelId::new(self.clock.now()),
        );
        let owner: UserId = seller.client.user_id.parse().unwrap();
        let (product, store): (ProductId, StoreId) =
            (product.parse().unwrap(), seller.store.parse().unwrap());
        let now = self.clock.now().micros();
        self.execute(
            "INSERT INTO media (id, owner_id, purpose, status, key, content_type, size, \
             upload_id, thumbnail_key, failure, uses, checked_at, expires_at, version, \
             created_at, updated_at) \
             VALUES ($1, $2, 'REEL_VIDEO', 'READY', $3, 'video/mp4', 1000, '', '', '', 1, $4, \
             $4, 1, $4, $4)",
            [
                media.uuid().into(),
                owner.uuid().into(),
                media.to_string().into(),
                now.into(),
            ],
        )
        .await;
        self.execute(
            "INSERT INTO reels (id, product_id, store_id, seller_id, status, caption, \
             video_media_id, video_url, thumbnail_url, duration_ms, size, failure, hidden, \
             version, published_at, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, 'READY', 'Rolled by hand', $5, \
             'https://example.test/reel.mp4', '', 15000, 1000, '', FALSE, 1, $6, $6, $6)",
            [
                reel.uuid().into(),
                product.uuid().into(),
                store.uuid().into(),
                owner.uuid().into(),
                media.uuid().into(),
                now.into(),
            ],
        )
        .await;
        reel.to_string()
    }
}

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
