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
