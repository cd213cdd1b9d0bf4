//! Faults reach Sentry, with their request id and nothing of their caller. Run it with
//! `cargo test --features sentry --test seen sentry`.

use souk::db::{Conn as _, Db, DbConfig};
use souk::kernel::Clock;

use super::provider::Provider;
use super::rig::{END, Souk, until};
use super::setting;

const AGENT: &str = "canary-browser/7.3";

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_reported_with_its_request_id_and_nothing_of_its_caller() {
    let sentry = Provider::start().await;
    let dsn = sentry.url.replace("http://", "http://publickey@") + "/42";
    let mut souk = Souk::install("sentry")
        .await
        .with(&[setting("SENTRY_DSN", dsn)]);
    souk.start().await;
    let config = DbConfig::new(souk.database.url());
    let db = Db::open(&config, Clock::system()).await.unwrap();
    let lose = |tx: souk::db::Tx| async move {
        let sql = "ALTER TABLE categories RENAME TO lost";
        tx.conn().execute_unprepared(sql).await?;
        Ok(())
    };
    db.transact(lose).await.unwrap();
    let request = reqwest::Client::new().get(format!("{}/api/categories", souk.url()));
    let request = request
        .header("x-request-id", "fault-7")
        .header("user-agent", AGENT)
        .header("x-forwarded-for", "203.0.113.9");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 500);
    until("the fault is reported", || !sentry.requests().is_empty()).await;
    let reports = sentry.requests().join("\n");
    assert!(reports.starts_with("POST /api/42/envelope/"), "{reports}");
    assert!(reports.contains("publickey"));
    for told in [
        "a call failed",
        r#""request.id":"fault-7""#,
        "souk@0.1.0",
        "development",
    ] {
        assert!(reports.contains(told), "{told}: {reports}");
    }
    for hidden in [AGENT, "203.0.113.9"] {
        assert!(!reports.contains(hidden), "{hidden}: {reports}");
    }
    souk.end(END).await;
    db.close().await;
    souk.remove().await;
}
