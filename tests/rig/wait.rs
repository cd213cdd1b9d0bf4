//! Waiting: for a condition, for an answer, and between tries.

use std::future::Future;
use std::time::Duration;

use tonic::{Response, Status};

use super::client::{Verdict, judge};

/// The longest that a run waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets `time` pass.
pub async fn pause(time: Duration) {
    let mut pace = tokio::time::interval(time.max(Duration::from_millis(1)));
    pace.tick().await;
    pace.tick().await;
}

/// Waits until `condition` holds; the run fails when it never does.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let met = async {
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        while !condition() {
            pace.tick().await;
        }
    };
    let met = tokio::time::timeout(PATIENCE, met).await;
    assert!(met.is_ok(), "{what}: not within {PATIENCE:?}");
}

/// Sends the same call until souk itself answers it: an answer, or the reason of a
/// refusal. `lost` is told of every answer that did not arrive.
pub async fn with_retries<T, Fut>(
    mut send: impl FnMut() -> Fut,
    mut lost: impl FnMut(&str),
) -> Result<Response<T>, String>
where
    Fut: Future<Output = Result<Response<T>, Status>>,
{
    let mut wait = Duration::from_millis(5);
    loop {
        match send().await {
            Ok(answer) => return Ok(answer),
            Err(status) => match judge(&status) {
                Verdict::Refused(reason) => return Err(reason),
                Verdict::Later(_) => {}
                Verdict::Unknown(why) => lost(&why),
            },
        }
        pause(wait).await;
        wait = (wait * 2).min(Duration::from_millis(200));
    }
}
