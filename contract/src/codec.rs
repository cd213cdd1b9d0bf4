//! The codec of every generated client and server: protobuf, plus the one place where
//! the rules of fields are enforced. A request that breaks one never reaches a handler.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::{ProstDecoder, ProstEncoder};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::validate::{self, Validate, Violation};

/// The `domain` of every ErrorInfo.
const DOMAIN: &str = "souk";
/// The `reason` of a refusal by the rules of fields.
const REASON: &str = "VALIDATION_ERROR";

/// Encodes `T`, decodes and checks `U`.
#[derive(Debug)]
pub struct ContractCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ContractCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for ContractCodec<T, U>
where
    T: Message + 'static,
    U: Message + Default + Validate + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = CheckedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        CheckedDecoder(ProstDecoder::default())
    }
}

/// Decodes messages, and refuses requests that break the contract's rules. Answers
/// pass as they are: the server wrote them, and an older client must still read them.
#[derive(Debug)]
pub struct CheckedDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default + Validate> Decoder for CheckedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let message = self.0.decode(buf)?;
        if U::REQUEST
            && let Some(request) = &message
        {
            let violations = validate::check(request);
            if !violations.is_empty() {
                return Err(refusal(violations));
            }
        }
        Ok(message)
    }
}

/// The INVALID_ARGUMENT status that lists every violation, and names the first in its
/// message. `violations` must not be empty.
pub fn refusal(violations: Vec<Violation>) -> Status {
    let first = violations.first().map_or_else(
        || "the request is invalid".to_owned(),
        |violation| format!("{} {}", violation.field, violation.message),
    );
    let violations: Vec<FieldViolation> = violations
        .into_iter()
        .map(|violation| FieldViolation::new(violation.field, violation.message))
        .collect();
    let mut details = ErrorDetails::with_bad_request(violations);
    details.set_error_info(REASON, DOMAIN, []);
    Status::with_error_details(
        Code::InvalidArgument,
        format!("validation failed: {first}"),
        details,
    )
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, ready};
    use std::task::{Context, Poll};

    use bytes::{BufMut, Bytes, BytesMut};
    use http_body_util::Full;
    use tonic::body::Body;
    use tonic::codegen::Service;
    use tonic::server::Grpc;
    use tonic::{Request, Response};

    use super::*;
    use crate::souk::auth::v1::{RequestOtpRequest, RequestOtpResponse};

    /// A handler that notes whether it was reached.
    #[derive(Default)]
    struct Handler {
        reached: bool,
    }

    impl Service<Request<RequestOtpRequest>> for &mut Handler {
        type Response = Response<RequestOtpResponse>;
        type Error = Status;
        type Future = Ready<Result<Self::Response, Status>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<RequestOtpRequest>) -> Self::Future {
            self.reached = true;
            ready(Ok(Response::new(RequestOtpResponse::default())))
        }
    }

    /// The wire form of one message, as a gRPC request body carries it.
    fn frame(message: &impl Message) -> Bytes {
        let mut frame = BytesMut::new();
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.encoded_len()).unwrap());
        message.encode(&mut frame).unwrap();
        frame.freeze()
    }

    async fn call(phone: &str) -> (bool, Option<Status>) {
        let message = RequestOtpRequest {
            phone: phone.into(),
        };
        let body = Body::new(http_body_util::BodyExt::map_err(
            Full::new(frame(&message)),
            |never: Infallible| match never {},
        ));
        let codec = ContractCodec::<RequestOtpResponse, RequestOtpRequest>::default();
        let mut handler = Handler::default();
        let response = Grpc::new(codec)
            .unary(&mut handler, http::Request::new(body))
            .await;
        let status = Status::from_header_map(response.headers());
        (handler.reached, status)
    }

    #[tokio::test]
    async fn a_request_that_keeps_the_rules_reaches_the_handler() {
        let (reached, status) = call("0555000001").await;
        assert!(reached);
        assert!(status.is_none());
    }

    #[tokio::test]
    async fn a_request_that_breaks_a_rule_is_refused_before_the_handler() {
        let (reached, status) = call("").await;
        assert!(!reached);
        let status = status.unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "validation failed: phone is required");
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (REASON, DOMAIN)
        );
        let fields = &details.bad_request().unwrap().field_violations;
        assert_eq!(fields.len(), 1);
        assert_eq!(fields[0].field, "phone");
        assert_eq!(fields[0].description, "is required");
    }

    #[test]
    fn answers_are_not_checked() {
        const { assert!(RequestOtpRequest::REQUEST) };
        const { assert!(!RequestOtpResponse::REQUEST) };
    }
}
