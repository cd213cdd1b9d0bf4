//! The only place that turns a refusal or failure of souk into a gRPC status, and the
//! only place that logs a fault of ours.

use std::collections::HashMap;
use std::time::Duration;

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::request_id;
use crate::kernel::{self, Error, trace};

/// The `domain` of every ErrorInfo.
const DOMAIN: &str = "souk";

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let request_id = request_id::current();
        if error.code() == kernel::Code::Internal {
            tracing::error!(request.id = request_id.as_deref(), trace.id = trace::current_trace_id(), error = ?error, "a call failed");
        } else if error.code() == kernel::Code::Unavailable {
            tracing::warn!(request.id = request_id.as_deref(), trace.id = trace::current_trace_id(), error = ?error, "a call met a part that is away");
        }
        let mut facts: HashMap<String, String> = error
            .metadata()
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        // All that a caller learns of our faults is how to report them.
        if error.code() == kernel::Code::Internal
            && let Some(id) = request_id
        {
            facts.insert("requestId".to_owned(), id.to_string());
            if let Some(trace) = trace::current_trace_id() {
                facts.insert("traceId".to_owned(), trace);
            }
        }
        let mut details = ErrorDetails::new();
        details.set_error_info(error.reason().as_str(), DOMAIN, facts);
        if !error.violations().is_empty() {
            details.set_bad_request(violations(&error));
        }
        let mut metadata = MetadataMap::new();
        if let Some(wait) = error.retry_delay() {
            details.set_retry_info(Some(wait));
            metadata.insert("retry-after", MetadataValue::from(whole_seconds(wait)));
        }
        Self::with_error_details_and_metadata(
            code(error.code()),
            error.message(),
            details,
            metadata,
        )
    }
}

fn violations(error: &Error) -> Vec<FieldViolation> {
    error
        .violations()
        .iter()
        .map(|violation| FieldViolation::new(&violation.field, &violation.message))
        .collect()
}

/// Seconds, rounded up: a caller that waits so long does not come too early.
pub(super) const fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + if wait.subsec_nanos() > 0 { 1 } else { 0 }
}

const fn code(code: kernel::Code) -> Code {
    match code {
        kernel::Code::InvalidArgument => Code::InvalidArgument,
        kernel::Code::Unauthenticated => Code::Unauthenticated,
        kernel::Code::PermissionDenied => Code::PermissionDenied,
        kernel::Code::NotFound => Code::NotFound,
        kernel::Code::AlreadyExists => Code::AlreadyExists,
        kernel::Code::Aborted => Code::Aborted,
        kernel::Code::FailedPrecondition => Code::FailedPrecondition,
        kernel::Code::OutOfRange => Code::OutOfRange,
        kernel::Code::ResourceExhausted => Code::ResourceExhausted,
        kernel::Code::Unavailable => Code::Unavailable,
        kernel::Code::DeadlineExceeded => Code::DeadlineExceeded,
        kernel::Code::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Reason;

    #[test]
    fn a_refusal_carries_reason_facts_fields_and_when_to_retry() {
        let status = Status::from(
            Error::new(Reason::OutOfStock, "only 2 left")
                .at("items[0].quantity")
                .with("available", 2)
                .retry_after(Duration::from_millis(1500)),
        );
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(status.message(), "only 2 left");
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("OUT_OF_STOCK", "souk")
        );
        assert_eq!(info.metadata["available"], "2");
        let fields = &details.bad_request().unwrap().field_violations;
        assert_eq!(fields[0].field, "items[0].quantity");
        let wait = details.retry_info().unwrap().retry_delay;
        assert_eq!(wait, Some(Duration::from_millis(1500)));
        assert_eq!(status.metadata().get("retry-after").unwrap(), "2");
    }

    #[test]
    fn a_fault_of_ours_shows_the_request_id_and_nothing_else() {
        let id = "req-7".into();
        let status = request_id::with(&id, || {
            Status::from(Error::internal("table users is gone at /var/lib"))
        });
        assert_eq!(status.code(), Code::Internal);
        assert_eq!(status.message(), "internal error");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["requestId"], "req-7");
        let bytes = String::from_utf8_lossy(status.details()).into_owned();
        assert!(!bytes.contains("users") && !bytes.contains("/var"));
    }

    #[test]
    fn every_reason_has_its_code() {
        for reason in Reason::ALL {
            let status = Status::from(Error::new(*reason, "no"));
            assert_eq!(status.code(), code(reason.code()), "{}", reason.as_str());
        }
    }
}
