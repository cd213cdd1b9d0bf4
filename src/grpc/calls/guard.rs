//! What keeps the fault of one call, and its time, from the others.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Request, Response};
use tonic::body::Body;

use super::{Arrival, Shared, refusal};
use crate::db::count_statements;
use crate::grpc::{deadline, large};
use crate::kernel::{Error, Reason, Result};
use crate::pb::policy::MethodPolicy;

/// How many database statements the call ran; only in development.
const STATEMENTS: HeaderName = HeaderName::from_static("x-db-statements");
/// How long a call may wait for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

impl Shared {
    /// Bounds the call in time, catches its panics and, in development, counts its
    /// statements.
    pub(super) async fn guarded(
        &self,
        policy: &'static MethodPolicy,
        arrival: Arrival,
        request: Request<Body>,
        started: Instant,
    ) -> Response<Body> {
        // The caller's own deadline wins where it is shorter.
        let asked = deadline::asked(request.headers());
        let longest = match policy.max_bytes {
            Some(_) => self.deadline + large::TRANSFER,
            None => self.deadline,
        };
        let time = asked.map_or(longest, |asked| Ord::min(asked, longest));
        // A stream must open in time; then it lives on, as long as its caller wants.
        let lasting = if policy.server_streaming {
            asked
        } else {
            Some(time)
        };
        let deadline = lasting.and_then(|time| started.checked_add(time));
        let work = self.while_answered(self.admit(policy, arrival, request, deadline));
        // A panic is a fault of ours in one call; the others go on.
        let work = AssertUnwindSafe(tokio::time::timeout(time, work)).catch_unwind();
        let (outcome, statements) = if self.development {
            let (outcome, count) = count_statements(work).await;
            (outcome, Some(count))
        } else {
            (work.await, None)
        };
        let mut response = match outcome {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(error))) => refusal(error),
            Ok(Err(_elapsed)) => refusal(Error::new(
                Reason::DeadlineExceeded,
                "the call took too long",
            )),
            Err(panic) => refusal(Error::internal(panic_message(&*panic))),
        };
        if let Some(count) = statements {
            response
                .headers_mut()
                .insert(STATEMENTS, HeaderValue::from(count));
        }
        response
    }

    /// Refuses a call that has taken long while the database does not answer: it would wait
    /// until its deadline. What needs no database is done by then.
    async fn while_answered<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
            return done;
        }
        tokio::select! {
            biased;
            done = work => done,
            () = self.pulse.lost() => Err(Error::new(
                Reason::Unavailable,
                "the database does not answer, try again in a moment",
            )
            .retry_after(PATIENCE)),
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}
