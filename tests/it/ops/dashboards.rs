//! The dashboard and the alerts ask for metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use souk::telemetry::metrics::{CATALOGUE, Kind};

use super::metrics::told;
use crate::support::{ShippingTo, TestApp};

fn deployed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The metrics that a text of PromQL names.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_part(letter));
    words
        .filter(|word| word.starts_with("souk_"))
        .map(str::to_owned)
        .collect()
}

/// What Prometheus sees of the catalogue: histograms are three series each.
fn series() -> BTreeSet<String> {
    let of = |metric: &souk::telemetry::metrics::Metric| match metric.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"]
            .map(|part| format!("{}{part}", metric.name))
            .to_vec(),
        _ => vec![metric.name.to_owned()],
    };
    CATALOGUE.iter().flat_map(of).collect()
}

/// Every expression of a dashboard.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                match inner {
                    Value::String(text) if name == "expr" || name == "query" => {
                        found.push(text.clone());
                    }
                    inner => expressions(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_that_are_counted() {
    let dashboard: Value = serde_json::from_str(&deployed("grafana/souk.json")).unwrap();
    let mut asked = Vec::new();
    expressions(&dashboard, &mut asked);
    assert!(asked.len() > 10, "{asked:?}");
    let alerts = deployed("prometheus/alerts.yaml");
    let lines = alerts.lines().map(str::trim);
    let alerted: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("expr: "))
        .collect();
    assert!(alerted.len() > 8, "{alerted:?}");
    let asked = names(&format!("{} {}", asked.join(" "), alerted.join(" ")));
    let unknown: Vec<_> = asked.difference(&series()).cloned().collect();
    assert!(unknown.is_empty(), "nobody counts {unknown:?}");
}

#[tokio::test]
async fn what_the_dashboard_and_the_alerts_ask_for_is_told_by_a_market_at_work() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Couscous", 100, 5).await.id;
    let buyer = app.customer().await;
    let watching = buyer
        .orders()
        .watch_my_orders(souk::pb::souk::orders::v1::WatchMyOrdersRequest::default())
        .await;
    let mut watching = watching.unwrap().into_inner();
    watching.message().await.unwrap();
    buyer
        .orders()
        .place_order(ShippingTo::algiers(&[(&product, 1)]))
        .await
        .unwrap();
    app.run_jobs().await;
    drop(watching);
    let dashboard = deployed("grafana/souk.json");
    let alerts = deployed("prometheus/alerts.yaml");
    let asked = names(&(dashboard + &alerts));
    // These need a provider, a collector, or a fault to appear.
    let rare = [
        "souk_outbound",
        "souk_breaker",
        "souk_trace",
        "souk_streams_ended",
        "souk_jobs",
    ];
    let text = told(&app).await;
    let told = names(&text);
    let silent: Vec<_> = asked
        .difference(&told)
        .filter(|name| !rare.iter().any(|rare| name.starts_with(rare)))
        .collect();
    assert!(silent.is_empty(), "not told: {silent:?}\n{text}");
}
