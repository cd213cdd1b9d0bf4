//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

/// Waits until something holds; the test fails when it never does. Gives how long it took.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    let met = async {
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        while !condition().await {
            pace.tick().await;
        }
    };
    let met = tokio::time::timeout(Duration::from_secs(20), met).await;
    assert!(met.is_ok(), "{what}: never");
    began.elapsed()
}
