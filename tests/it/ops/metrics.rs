//! Metrics: told over every wire to those who may, and true.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::json;
use souk::pb::souk::ops::v1::{GetMetricsRequest, HelloRequest};
use souk::pb::souk::orders::v1::WatchMyOrdersRequest;
use souk::telemetry::metrics::CATALOGUE;
use tonic::Code;

use crate::support::{ShippingTo, TestApp, reason, until};

/// Says that a proxy passes the call on.
const PASSED_ON: [(&str, &str); 1] = [("x-forwarded-for", "203.0.113.5")];

/// The metrics, as somebody on the same host reads them.
pub async fn told(app: &TestApp) -> String {
    let answer = app.get("/metrics", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// The value of one line, by its beginning: the name and its labels.
fn value(text: &str, line: &str) -> f64 {
    let found = text
        .lines()
        .find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
    found.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn metrics_are_told_in_the_format_of_prometheus_on_every_wire() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    guest.ops().hello(HelloRequest {}).await.unwrap();
    for path in ["/metrics", "/api/metrics/metrics"] {
        let answer = app.get(path, None).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.headers["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        assert!(
            answer
                .text
                .contains("# TYPE souk_rpc_calls_total counter\n")
        );
        assert!(answer.text.contains("# HELP souk_rpc_seconds "));
    }
    let over_grpc = guest.ops().get_metrics(GetMetricsRequest {}).await.unwrap();
    let text = over_grpc.into_inner().text;
    let hello = r#"souk_rpc_calls_total{method="souk.ops.v1.OpsService/Hello",code="OK"}"#;
    assert!(value(&text, hello) >= 1.0, "{text}");
    let resident = value(&text, "souk_process_resident_bytes");
    assert!(resident > 1e6, "{resident}");
    assert!(value(&text, "souk_connections_open") >= 1.0);
    let build = concat!(
        r#"souk_build_info{version=""#,
        env!("CARGO_PKG_VERSION"),
        r#""}"#
    );
    assert_eq!(value(&text, build), 1.0);
}

#[tokio::test]
async fn the_document_says_that_metrics_are_text_and_who_may_read_them() {
    let app = TestApp::start().await;
    let document = app.get("/openapi.json", None).await.body;
    let operation = &document["paths"]["/metrics"]["get"];
    let content = operation["responses"]["200"]["content"]
        .as_object()
        .unwrap();
    let kinds: Vec<_> = content.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["text/plain; version=0.0.4; charset=utf-8"]);
    assert_eq!(operation["x-access"], "NETWORK");
    assert_eq!(operation["security"], json!([{}, {"bearer": []}]));
}

#[tokio::test]
async fn who_comes_through_a_proxy_must_be_an_administrator() {
    let app = TestApp::start().await;
    let (customer, admin) = (app.customer().await, app.admin().await);
    let ask = |token: Option<String>| {
        let app = &app;
        async move {
            let token = token.as_deref();
            app.http(Method::GET, "/metrics", token, &PASSED_ON, None)
                .await
        }
    };
    let nobody = ask(None).await;
    assert_eq!(
        (nobody.status.as_u16(), &nobody.body["code"]),
        (401, &json!("TOKEN_MISSING"))
    );
    let other = ask(customer.token.clone()).await;
    assert_eq!(
        (other.status.as_u16(), &other.body["code"]),
        (403, &json!("FORBIDDEN"))
    );
    let let_in = ask(admin.token.clone()).await;
    assert_eq!(let_in.status, 200);
    assert!(let_in.text.starts_with("# HELP") || let_in.text.starts_with("# TYPE"));
}

#[tokio::test]
async fn a_trusted_proxy_of_this_host_is_nobody_inside() {
    let app = TestApp::with(&[("TRUST_PROXY", "127.0.0.1")]).await;
    let refused = app
        .guest()
        .await
        .ops()
        .get_metrics(GetMetricsRequest {})
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(reason(&refused), "TOKEN_MISSING");
}

#[tokio::test]
async fn switched_off_there_are_none() {
    let app = TestApp::with(&[("ENABLE_METRICS", "off"), ("METRICS_PORT", "0")]).await;
    let answer = app.get("/metrics", None).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["code"]),
        (404, &json!("NOT_FOUND"))
    );
    let port = app.running.ops_address.unwrap();
    let answer = reqwest::get(format!("http://{port}/metrics"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn a_port_of_their_own_opens_with_its_token() {
    const TOKEN: &str = "a-token-for-the-scraper";
    let app = TestApp::with(&[("METRICS_PORT", "0"), ("METRICS_TOKEN", TOKEN)]).await;
    let port = app.running.ops_address.unwrap();
    let ask = |path: &'static str, token: &'static str| async move {
        let request = reqwest::Client::new().get(format!("http://{port}{path}"));
        let answer = request.bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("/metrics", "another-token-for-it").await.0, 401);
    let (status, text) = ask("/metrics", TOKEN).await;
    assert_eq!(status, 200);
    assert!(text.contains("souk_process_uptime_seconds "));
    assert_eq!(ask("/health/live", "").await, (200, "live\n".to_owned()));
    assert_eq!(ask("/health/ready", "").await, (200, "ready\n".to_owned()));
    let (status, detail) = ask("/health/ready", TOKEN).await;
    let detail: serde_json::Value = serde_json::from_str(&detail).unwrap();
    assert_eq!((status, &detail["ready"]), (200, &json!(true)));
    let parts = detail["parts"].as_array().unwrap();
    assert!(
        parts
            .iter()
            .any(|part| part["name"] == "database" && part["up"] == true)
    );
    assert_eq!(ask("/elsewhere", TOKEN).await.0, 404);
    app.running.app.close().await;
    assert_eq!(ask("/health/live", "").await.0, 200);
    // A sign of life is good for a moment.
    until("the database is missed", async || {
        ask("/health/ready", TOKEN).await.0 == 503
    })
    .await;
}

#[tokio::test]
async fn what_happens_is_counted() {
    let app = TestApp::with(&[("RATE_CHECKOUT", "1/60s")]).await;
    let seller = app.seller().await;
    let product = seller.product("Couscous", 100, 5).await.id;
    let buyer = app.customer().await;
    let before = told(&app).await;
    let request = ShippingTo::algiers(&[(&product, 1)]);
    let mut orders = buyer.orders();
    orders.place_order(request.clone()).await.unwrap();
    let refused = orders.place_order(request).await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    let after = told(&app).await;
    let grew = |line: &str| value(&after, line) - value(&before, line);
    assert!(grew("souk_orders_placed_total") >= 1.0);
    assert!(grew("souk_events_appended_total") >= 1.0);
    assert!(grew("souk_db_statements_total") >= 8.0);
    assert!(grew("souk_db_begin_seconds_count") >= 1.0);
    assert!(grew(r#"souk_rate_refusals_total{class="RATE_CHECKOUT"}"#) >= 1.0);
    let calls = |method: &str, code: &str| {
        grew(&format!(
            r#"souk_rpc_calls_total{{method="{method}",code="{code}"}}"#
        ))
    };
    assert!(calls("souk.orders.v1.OrderService/PlaceOrder", "OK") >= 1.0);
    assert!(
        calls(
            "souk.orders.v1.OrderService/PlaceOrder",
            "RESOURCE_EXHAUSTED"
        ) >= 1.0
    );
    let seconds = r#"souk_rpc_seconds_count{method="souk.orders.v1.OrderService/PlaceOrder"}"#;
    assert!(grew(seconds) >= 1.0);
}

#[tokio::test]
async fn a_stream_is_open_until_its_client_goes() {
    const METHOD: &str = "souk.orders.v1.OrderService/WatchMyOrders";
    let app = TestApp::start().await;
    let buyer = app.customer().await;
    let open = format!(r#"souk_streams_open{{method="{METHOD}"}}"#);
    let gone = format!(r#"souk_streams_ended_total{{method="{METHOD}",reason="gone"}}"#);
    let before = told(&app).await;
    let stream = buyer
        .orders()
        .watch_my_orders(WatchMyOrdersRequest::default())
        .await
        .unwrap();
    let mut stream = stream.into_inner();
    stream.message().await.unwrap().unwrap();
    assert!(value(&told(&app).await, &open) >= 1.0);
    drop(stream);
    let ended = async {
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(5));
        while value(&told(&app).await, &gone) <= value(&before, &gone) {
            pace.tick().await;
        }
    };
    let patience = std::time::Duration::from_secs(10);
    tokio::time::timeout(patience, ended)
        .await
        .expect("the stream ends");
}

/// Every metric that the program counts.
fn counted() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs")
                && !path.ends_with("catalogue.rs")
            {
                let text = fs::read_to_string(path).unwrap();
                let is_name = |word: &&str| {
                    let rest = word.strip_prefix("souk_");
                    rest.is_some_and(|rest| {
                        rest.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
                    })
                };
                let names = text.split('"').filter(is_name);
                found.extend(names.map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn the_catalogue_describes_what_is_counted() {
    let described: BTreeSet<String> = CATALOGUE.iter().map(|it| it.name.to_owned()).collect();
    let counted = counted();
    assert!(counted.len() > 20, "{counted:?}");
    let undescribed: Vec<_> = counted.difference(&described).collect();
    assert!(
        undescribed.is_empty(),
        "not in the catalogue: {undescribed:?}"
    );
    let stale: Vec<_> = described.difference(&counted).collect();
    assert!(stale.is_empty(), "counted nowhere: {stale:?}");
    for metric in CATALOGUE {
        assert!(metric.help.ends_with('.'), "{}", metric.name);
    }
}
