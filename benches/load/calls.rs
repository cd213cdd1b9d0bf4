//! The calls that are measured, over gRPC and as JSON.

use std::sync::Arc;
use std::time::Duration;

use souk::kernel::id::{ProductId, StoreId, UserId};
use souk::pb::souk::catalog::v1::catalog_service_client::CatalogServiceClient;
use souk::pb::souk::catalog::v1::{GetProductRequest, GetProductResponse, ListProductsRequest};
use souk::pb::souk::orders::v1::order_service_client::OrderServiceClient;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::drive::{Effort, Measured, drive};
use crate::pgbench;
use crate::rig::{Caller, Dice, Good, Shop, lines, order};

/// Pieces in stock of each product: no run sells them all.
const PLENTY: i32 = 100_000_000;
const PRODUCTS: usize = 200;
/// HTTP/2 connections that the tasks of a run share.
const CONNECTIONS: usize = 4;

/// The server under load.
pub struct Target {
    pub url: String,
    pub pid: u32,
    goods: Arc<Vec<Good>>,
    store_id: String,
}

impl Target {
    /// Fills the server with a store and its products.
    pub async fn fill(url: String, pid: u32) -> Self {
        let owner = Caller::guest(&url).sign_in("0550000001").await;
        let shop = Shop::open(owner, "Bowl", &[PLENTY; PRODUCTS]).await;
        Self {
            url,
            pid,
            goods: Arc::new(shop.goods),
            store_id: shop.store_id,
        }
    }

    /// The same goods as the database knows them.
    pub async fn rows(&self) -> pgbench::Goods {
        let product = self.product().await.product.unwrap();
        let products = self.goods.iter();
        pgbench::Goods {
            store: self.store_id.parse::<StoreId>().unwrap().uuid(),
            owner: product.seller_id.parse::<UserId>().unwrap().uuid(),
            products: products
                .map(|it| it.product_id.parse::<ProductId>().unwrap().uuid())
                .collect(),
        }
    }

    /// The answer that the echo server gives.
    pub async fn product(&self) -> GetProductResponse {
        let mut catalog = CatalogServiceClient::new(connect(&self.url).await);
        let request = GetProductRequest {
            id: self.goods[0].product_id.clone(),
        };
        catalog.get_product(request).await.unwrap().into_inner()
    }

    pub async fn get_product(&self, effort: Effort) -> Measured {
        get_product("GetProduct", &self.url, self.pid, &self.goods, effort).await
    }

    /// The same calls against the echo server.
    pub async fn echo(&self, url: &str, pid: u32, effort: Effort) -> Measured {
        get_product("echo", url, pid, &self.goods, effort).await
    }

    pub async fn list_products(&self, effort: Effort) -> Measured {
        let channels = connect_all(&self.url).await;
        drive("ListProducts(20)", self.pid, effort, |task| {
            let catalog = CatalogServiceClient::new(channels[task % CONNECTIONS].clone());
            move || {
                let mut catalog = catalog.clone();
                async move {
                    let request = ListProductsRequest {
                        limit: 20,
                        ..ListProductsRequest::default()
                    };
                    let page = catalog.list_products(request).await.unwrap();
                    assert_eq!(page.get_ref().products.len(), 20);
                }
            }
        })
        .await
    }

    /// Orders of two products by guests, each with its key.
    pub async fn place_order(&self, effort: Effort) -> Measured {
        let channels = connect_all(&self.url).await;
        drive("PlaceOrder", self.pid, effort, |task| {
            let orders = OrderServiceClient::new(channels[task % CONNECTIONS].clone());
            let mut wishes = self.wishes(task);
            move || {
                let (key, request) = wishes();
                let mut orders = orders.clone();
                async move {
                    let mut request = Request::new(request);
                    let key = key.parse().unwrap();
                    request.metadata_mut().insert("idempotency-key", key);
                    orders.place_order(request).await.unwrap();
                }
            }
        })
        .await
    }

    pub async fn get_product_json(&self, effort: Effort) -> Measured {
        let web = web();
        drive("GET /api/products/{id}", self.pid, effort, |task| {
            let (web, goods, url) = (web.clone(), self.goods.clone(), self.url.clone());
            let mut next = task;
            move || {
                next += 1;
                let id = &goods[next % goods.len()].product_id;
                read_json(web.get(format!("{url}/api/products/{id}")))
            }
        })
        .await
    }

    pub async fn list_products_json(&self, effort: Effort) -> Measured {
        let web = web();
        drive("GET /api/products?limit=20", self.pid, effort, |_| {
            let (web, url) = (web.clone(), self.url.clone());
            move || read_json(web.get(format!("{url}/api/products?limit=20")))
        })
        .await
    }

    pub async fn place_order_json(&self, effort: Effort) -> Measured {
        let web = web();
        drive("POST /api/orders", self.pid, effort, |task| {
            let (web, url) = (web.clone(), self.url.clone());
            let mut wishes = self.wishes(task + effort.tasks);
            move || {
                let (key, request) = wishes();
                let body = serde_json::to_vec(&request).unwrap();
                let post = web
                    .post(format!("{url}/api/orders"))
                    .header("content-type", "application/json")
                    .header("idempotency-key", key)
                    .body(body);
                read_json(post)
            }
        })
        .await
    }

    /// An endless row of keys and orders.
    fn wishes(
        &self,
        task: usize,
    ) -> impl FnMut() -> (String, souk::pb::souk::orders::v1::PlaceOrderRequest) + use<> {
        let goods = self.goods.clone();
        let mut dice = Dice::of(task as u64);
        let run = Dice::fresh().word("load");
        move || {
            let chosen = dice.indexes(goods.len(), 2);
            let wishes = chosen.into_iter().map(|index| (&goods[index], 1));
            (dice.word(&run), order("load", lines(wishes)))
        }
    }
}

async fn get_product(
    name: &str,
    url: &str,
    pid: u32,
    goods: &Arc<Vec<Good>>,
    effort: Effort,
) -> Measured {
    let channels = connect_all(url).await;
    drive(name, pid, effort, |task| {
        let catalog = CatalogServiceClient::new(channels[task % CONNECTIONS].clone());
        let goods = goods.clone();
        let mut next = task;
        move || {
            next += 1;
            let id = goods[next % goods.len()].product_id.clone();
            let mut catalog = catalog.clone();
            async move {
                let answer = catalog.get_product(GetProductRequest { id }).await;
                assert!(answer.unwrap().get_ref().product.is_some());
            }
        }
    })
    .await
}

/// The connections that the tasks of a run share.
pub async fn connect_all(url: &str) -> Vec<Channel> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        channels.push(connect(url).await);
    }
    channels
}

/// Connects, waiting for a server that has only just been started.
async fn connect(url: &str) -> Channel {
    let endpoint = Endpoint::from_shared(url.to_owned()).unwrap();
    for _ in 0..500 {
        if let Ok(channel) = endpoint.connect().await {
            return channel;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody answers at {url}");
}

/// A client over HTTP/1.1 that keeps its connections, as most JSON clients do.
fn web() -> reqwest::Client {
    let client = reqwest::Client::builder().http1_only().no_proxy();
    client.build().unwrap()
}

async fn read_json(request: reqwest::RequestBuilder) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let body = response.bytes().await.unwrap();
    assert!(
        status.is_success(),
        "{status}: {}",
        String::from_utf8_lossy(&body)
    );
}
