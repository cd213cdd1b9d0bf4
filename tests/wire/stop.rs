//! A stop in the middle of everything: honest calls end well, streams end with a token, and
//! clients who hang on hold nobody up for long.

use std::time::Duration;

use souk::pb::souk::catalog::v1::{GetProductRequest, ListProductsRequest};
use souk::pb::souk::orders::v1::order_event::Type;
use souk::pb::souk::orders::v1::{WatchSellerOrdersRequest, WatchSellerOrdersResponse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tonic::{Code, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::client::{Client, framed};
use crate::raw::{PREFACE, dial};
use crate::rig::{Caller, Shop, Souk, is_unsent, pause};

/// Supervisors kill after this.
const LIMIT: Duration = Duration::from_secs(30);
const LIST: &str = "/souk.catalog.v1.CatalogService/ListProducts";

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_in_time_whoever_hangs_on() {
    let mut souk = Souk::install("stop")
        .await
        .with(&[("SHUTDOWN_DELAY", "500ms"), ("LOG_LEVEL", "info")]);
    souk.start().await;
    let owner = Caller::guest(&souk.url()).sign_in("0550000001").await;
    let shop = Shop::open(owner, "Bowl", &[1000; 20]).await;

    let streams = [
        watch(&souk, &shop, None).await,
        watch(&souk, &shop, None).await,
    ];
    let honest: JoinSet<usize> = (0..8).map(|_| call_until_gone(&souk, &shop)).collect();
    let hangers = hang_on(&souk).await;
    pause(Duration::from_millis(300)).await;

    let (address, url) = (souk.address(), souk.url());
    let mut stopping = JoinSet::new();
    stopping.spawn(async move {
        let stopped = souk.stop(LIMIT).await;
        (souk, stopped)
    });
    turns_red_and_serves_on(address, &url, &shop).await;
    let mut tokens = Vec::new();
    for stream in streams {
        tokens.push(farewell(stream).await);
    }
    let calls: usize = honest.join_all().await.into_iter().sum();
    let (mut souk, stopped) = stopping.join_next().await.unwrap().unwrap();
    println!("stopped after {:?}; {calls} honest calls", stopped.time);
    assert_eq!(stopped.code, Some(0), "a clean end");
    assert!(stopped.time <= LIMIT);
    assert!(calls > 100, "there was load");
    let log = souk.log_text();
    let line = log.lines().find(|line| line.contains("the port is closed"));
    let line = line.expect("the end is written down");
    println!("{line}");
    for count in ["connections.drained", "connections.cut", "streams.open=2"] {
        assert!(line.contains(count), "{line}");
    }
    drop(hangers);
    souk.start().await;
    for token in tokens {
        let mut resumed = watch(&souk, &shop, Some(token)).await;
        let first = tokio::time::timeout(Duration::from_millis(200), resumed.message()).await;
        assert!(
            first.is_err(),
            "a resumed stream has no snapshot: {first:?}"
        );
    }
    souk.check();
    souk.remove().await;
}

/// Where everybody listens, a stop takes no longer than what is told and answered: streams
/// of every kind end, and connections close that only wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_among_listeners_is_quick() {
    let mut souk = Souk::install("quick").await;
    souk.start().await;
    let owner = Caller::guest(&souk.url()).sign_in("0550000001").await;
    let shop = Shop::open(owner, "Bowl", &[10]).await;
    let stream = watch(&souk, &shop, None).await;
    let endpoint = tonic::transport::Endpoint::from_shared(souk.url()).unwrap();
    let mut health = HealthClient::new(endpoint.connect().await.unwrap());
    let standard = health.watch(HealthCheckRequest::default()).await.unwrap();
    let url = format!(
        "{}/api/stream/seller/orders?storeId={}",
        souk.url(),
        shop.store_id
    );
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = shop.owner.token().unwrap();
    let sse = web.get(url).bearer_auth(token).send().await.unwrap();
    let mut kept = dial(3, souk.address()).await;
    let ask = b"GET /health HTTP/1.1\r\nHost: souk\r\n\r\n";
    kept.write_all(ask).await.unwrap();

    let stopping = async { souk.stop(LIMIT).await };
    let ends = async {
        farewell(stream).await;
        let mut standard = standard.into_inner();
        let end = loop {
            match standard.message().await {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        assert_eq!(end.unwrap_err().code(), Code::Unavailable);
        let text = sse.text().await.unwrap();
        let last = text.trim_end().rsplit("\n\n").next().unwrap();
        assert!(
            last.starts_with("id: ") && last.contains("HEARTBEAT"),
            "{last}"
        );
        let mut rest = Vec::new();
        kept.read_to_end(&mut rest).await.unwrap();
        assert!(rest.starts_with(b"HTTP/1.1 200"));
    };
    let (stopped, ()) = tokio::join!(stopping, ends);
    println!("stopped after {:?}", stopped.time);
    assert_eq!(stopped.code, Some(0));
    assert!(stopped.time < Duration::from_secs(5), "{:?}", stopped.time);
    souk.remove().await;
}

async fn watch(
    souk: &Souk,
    shop: &Shop,
    resume_token: Option<String>,
) -> Streaming<WatchSellerOrdersResponse> {
    let request = WatchSellerOrdersRequest {
        store_id: shop.store_id.clone(),
        resume_token,
    };
    let caller = shop.owner.over(Caller::patient(&souk.url()));
    let request = caller.ask(request);
    let stream = caller.orders().watch_seller_orders(request).await;
    stream.unwrap().into_inner()
}

/// The token of the last message, which must be a heartbeat at a clean end.
async fn farewell(mut stream: Streaming<WatchSellerOrdersResponse>) -> String {
    let mut last = None;
    let read = async {
        while let Some(message) = stream.message().await.expect("a clean end") {
            last = Some((message.r#type(), message.resume_token));
        }
    };
    tokio::time::timeout(LIMIT, read).await.expect("an end");
    let (kind, token) = last.expect("a last word");
    assert_eq!(kind, Type::Heartbeat);
    token
}

/// Calls on one connection until a new one cannot be had. Every call before that must be
/// answered; gives how many were.
fn call_until_gone(souk: &Souk, shop: &Shop) -> impl Future<Output = usize> + Send + 'static {
    let (caller, id) = (Caller::guest(&souk.url()), shop.goods[0].product_id.clone());
    async move {
        let mut calls = 0;
        loop {
            let request = GetProductRequest { id: id.clone() };
            match caller.catalog().get_product(request).await {
                Ok(_) => calls += 1,
                // It never left the client, which then finds a new connection or none.
                Err(status) if is_unsent(&status) => {}
                Err(status) => {
                    let text = whole_text(&status);
                    assert_eq!(status.code(), Code::Unavailable, "{text}");
                    assert!(text.contains("refused"), "a call was lost: {text}");
                    return calls;
                }
            }
        }
    }
}

/// The status with all that lies below it.
fn whole_text(status: &tonic::Status) -> String {
    let mut text = status.to_string();
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        text.push_str(&format!(" < {error}"));
        source = error.source();
    }
    text
}

/// Clients who do not let go: one that never reads, one with half a greeting, one silent,
/// one that keeps its HTTP/1 connection, and one in the middle of a body.
struct Hangers {
    _client: Client,
    _answers: Vec<h2::client::ResponseFuture>,
    _sockets: Vec<tokio::net::TcpStream>,
}

async fn hang_on(souk: &Souk) -> Hangers {
    let to = souk.address();
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(0);
    let client = Client::connect(2, to, &builder).await;
    let mut answers = Vec::new();
    for _ in 0..50 {
        let body = framed(&ListProductsRequest::default());
        answers.push(client.open(LIST, &[], body).await.unwrap());
    }
    let mut sockets = Vec::new();
    for words in [
        &PREFACE[..10],
        b"",
        b"GET /health HTTP/1.1\r\nHost: souk\r\n\r\n",
        b"POST /api/orders HTTP/1.1\r\nHost: souk\r\nContent-Length: 9\r\n\r\n{",
    ] {
        let mut socket = dial(3, to).await;
        socket.write_all(words).await.unwrap();
        sockets.push(socket);
    }
    Hangers {
        _client: client,
        _answers: answers,
        _sockets: sockets,
    }
}

/// Readiness turns red at once, and calls are answered all the same.
async fn turns_red_and_serves_on(to: std::net::SocketAddr, url: &str, shop: &Shop) {
    let mut status = String::new();
    while !status.starts_with("HTTP/1.1 503") {
        let mut socket = dial(1, to).await;
        let ask = b"GET /health/ready HTTP/1.1\r\nHost: souk\r\nConnection: close\r\n\r\n";
        socket.write_all(ask).await.unwrap();
        status.clear();
        socket.read_to_string(&mut status).await.unwrap();
    }
    let request = GetProductRequest {
        id: shop.goods[0].product_id.clone(),
    };
    let answer = Caller::guest(url).catalog().get_product(request).await;
    answer.expect("a new connection is served while load balancers turn away");
}
