//! The one form of every refusal and failure over HTTP: its status, and the envelope
//! `{"success": false, …}`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::Body;
use super::envelope::json_body;
use crate::kernel::Error;
use crate::pb::souk::common::v1::ErrorReason;

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The JSON path of the field, such as `items[0].quantity`.
    pub field: String,
    /// What is wrong, to follow the field's name.
    pub message: String,
}

/// A refusal or failure as the client sees it.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
    errors: Vec<FieldError>,
    metadata: BTreeMap<String, String>,
    retry_after: Option<Duration>,
    allow: Option<HeaderValue>,
    /// The gRPC code, where a method answered.
    grpc: Option<Code>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    success: bool,
    code: &'a str,
    message: &'a str,
    errors: &'a [FieldError],
    metadata: &'a BTreeMap<String, String>,
    request_id: &'a str,
}

impl Problem {
    /// A refusal by the edge itself.
    pub fn new(status: StatusCode, reason: ErrorReason, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code: Cow::Borrowed(reason.as_str_name()),
            message: message.into(),
            errors: Vec::new(),
            metadata: BTreeMap::new(),
            retry_after: None,
            allow: None,
            grpc: None,
        }))
    }

    /// The request is wrong as a whole.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            ErrorReason::ValidationError,
            message,
        )
    }

    /// A body came of which nobody said how long it is.
    pub fn length_required() -> Self {
        Self::new(
            StatusCode::LENGTH_REQUIRED,
            ErrorReason::ValidationError,
            "the Content-Length header must say how many bytes come",
        )
    }

    /// Fields of the request are wrong; all of them are listed, the first is named in
    /// the message.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let message = errors
            .first()
            .map_or("the request is invalid".to_owned(), |first| {
                format!("validation failed: {} {}", first.field, first.message)
            });
        let mut problem = Self::invalid(message);
        problem.0.errors = errors;
        problem
    }

    /// Nothing is bound to the path.
    pub fn unknown_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ErrorReason::NotFound,
            "nothing is at this path; /openapi.json lists what there is",
        )
    }

    /// The path is bound, but not with this method. `allow` lists those it has.
    pub fn wrong_method(allow: &str) -> Self {
        let mut problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorReason::MethodNotAllowed,
            format!("this path answers {allow} only"),
        );
        problem.0.allow = HeaderValue::from_str(allow).ok();
        problem
    }

    /// A fault of ours, which says nothing more; the caller logs the cause.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorReason::InternalError,
            "internal error",
        )
    }

    /// A refusal by the method that was called.
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let (reason, metadata) = match details.error_info() {
            Some(info) => (
                Cow::Owned(info.reason.clone()),
                info.metadata.clone().into_iter().collect(),
            ),
            None => (
                Cow::Borrowed(plain_reason(status.code()).as_str_name()),
                BTreeMap::new(),
            ),
        };
        let errors = details.bad_request().map_or_else(Vec::new, |bad| {
            bad.field_violations
                .iter()
                .map(|violation| FieldError {
                    field: violation.field.clone(),
                    message: violation.description.clone(),
                })
                .collect()
        });
        Self(Box::new(Parts {
            status: http_status(status.code(), &reason),
            code: reason,
            message: match status.message() {
                // Only what the transport itself refuses comes without words.
                "" => status.code().description().to_owned(),
                words => words.to_owned(),
            },
            errors,
            metadata,
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            allow: None,
            grpc: Some(status.code()),
        }))
    }

    /// The machine-readable reason.
    pub fn reason(&self) -> &str {
        &self.0.code
    }

    /// What is said to people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The facts for programs.
    pub const fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// The fields at fault.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The code that the method answered with; INTERNAL where the edge itself failed.
    pub fn grpc_code(&self) -> Code {
        self.0.grpc.unwrap_or(Code::Internal)
    }

    /// When a retry makes sense.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The envelope. `request_id` is what the client may report.
    pub fn to_json(&self, request_id: &str) -> Vec<u8> {
        let envelope = Envelope {
            success: false,
            code: &self.0.code,
            message: &self.0.message,
            errors: &self.0.errors,
            metadata: &self.0.metadata,
            request_id,
        };
        // Strings, and maps from strings to strings, always have a JSON form.
        serde_json::to_vec(&envelope).unwrap_or_default()
    }

    /// The answer with its status and headers.
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let mut response = Response::new(json_body(self.to_json(request_id)));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(wait) = self.0.retry_after {
            // Whole seconds, and never too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.0.allow {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from_status(&error.into())
    }
}

/// The HTTP status of a refusal: by its reason where HTTP has a closer word than the
/// gRPC code gives, else by the code.
pub fn http_status(code: Code, reason: &str) -> StatusCode {
    match ErrorReason::from_str_name(reason) {
        Some(ErrorReason::OutOfStock) => return StatusCode::CONFLICT,
        Some(ErrorReason::PaymentFailed) => return StatusCode::PAYMENT_REQUIRED,
        Some(ErrorReason::PayloadTooLarge | ErrorReason::FileTooLarge) => {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        Some(ErrorReason::UnsupportedMedia) => return StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Some(ErrorReason::MethodNotAllowed) => return StatusCode::METHOD_NOT_ALLOWED,
        _ => {}
    }
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded | Code::Cancelled => StatusCode::GATEWAY_TIMEOUT,
        Code::Internal | Code::Unknown | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The reason of a status that carries none: it was not made by souk's own code.
fn plain_reason(code: Code) -> ErrorReason {
    match code {
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            ErrorReason::ValidationError
        }
        Code::Unauthenticated => ErrorReason::TokenInvalid,
        Code::PermissionDenied => ErrorReason::Forbidden,
        Code::NotFound => ErrorReason::NotFound,
        Code::AlreadyExists | Code::Aborted => ErrorReason::Conflict,
        Code::ResourceExhausted => ErrorReason::RateLimitExceeded,
        Code::Unimplemented => ErrorReason::Unimplemented,
        Code::Unavailable => ErrorReason::Unavailable,
        Code::DeadlineExceeded | Code::Cancelled => ErrorReason::DeadlineExceeded,
        Code::Ok | Code::Internal | Code::Unknown | Code::DataLoss => ErrorReason::InternalError,
    }
}
