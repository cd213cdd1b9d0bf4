//! What a handler begins and ends with: open the request, answer it.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Response, Status};

use super::{audit, request_id};
use crate::db::Answer;
use crate::kernel::id::{Id, InvalidId, Kind};
use crate::kernel::{Call, Error, Idempotency, Result};
use crate::pb::policy::{self, MethodPolicy};

/// The metadata that makes a repeat harmless.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Says that the answer was recorded by an earlier call.
const REPLAYED: &str = "idempotency-replayed";

/// A call that has passed every layer: left in the request's extensions for [`open`].
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    pub(super) call: Call,
    pub(super) policy: &'static MethodPolicy,
}

/// The call and the message of a request. Where the method honours an
/// `Idempotency-Key`, the call carries it with the hash of the message; where an
/// administrator asks for a change, it carries what the audit log will say.
///
/// # Errors
/// INVALID_ARGUMENT for a key that is not 1 to 255 visible characters, and for a change
/// that an administrator asks for in words that cannot be written down.
pub fn open<T: Message>(request: Request<T>) -> Result<(Call, T), Status> {
    let (metadata, mut extensions, message) = request.into_parts();
    let Some(Admitted { mut call, policy }) = extensions.remove::<Admitted>() else {
        return Err(Error::internal("a call reached its handler past the layers").into());
    };
    if policy.idempotency == policy::Idempotency::Keyed {
        call.idempotency = idempotency(&metadata, &message)?;
    }
    call.audit = audit::entry(&call.caller, policy, &message)?;
    Ok((call, message))
}

fn idempotency(metadata: &MetadataMap, message: &impl Message) -> Result<Option<Idempotency>> {
    let Some(value) = metadata.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || !(1..=255).contains(&key.len()) {
        return Err(Error::field(
            "Idempotency-Key",
            "must be 1 to 255 visible ASCII characters",
        ));
    }
    Ok(Some(Idempotency {
        key: key.to_owned(),
        request_hash: Sha256::digest(message.encode_to_vec()).into(),
    }))
}

/// The answer of a write; says whether it was recorded by an earlier call.
///
/// # Errors
/// None: the signature is that of a handler, whose last line this is.
pub fn reply<T>(answer: Answer<T>) -> Result<Response<T>, Status> {
    let mut response = Response::new(answer.value);
    if answer.replayed {
        let metadata = response.metadata_mut();
        metadata.insert(REPLAYED, MetadataValue::from_static("true"));
    }
    Ok(response)
}

/// The answer of a read.
///
/// # Errors
/// None: the signature is that of a handler, whose last line this is.
pub fn answer<T>(value: T) -> Result<Response<T>, Status> {
    Ok(Response::new(value))
}

/// The stream type of every server-streaming method.
pub type Streaming<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The answer of a server-streaming method.
///
/// # Errors
/// None: the signature is that of a handler, whose last line this is.
pub fn stream<T: 'static>(
    call: &Call,
    messages: impl Stream<Item = Result<T>> + Send + 'static,
) -> Result<Response<Streaming<T>>, Status> {
    // The stream outlives the call's future, so errors get the request id back here.
    let id = call.request_id.clone();
    let messages = messages
        .map(move |message| message.map_err(|error| request_id::with(&id, || error.into())));
    Ok(Response::new(Box::pin(messages)))
}

/// The id in a field of a request.
///
/// # Errors
/// INVALID_ARGUMENT that names the field.
pub fn id<T: Kind>(field: &str, text: &str) -> Result<Id<T>> {
    text.parse()
        .map_err(|error: InvalidId| Error::field(field, error.to_string()))
}

/// The id in a field that may be empty.
///
/// # Errors
/// INVALID_ARGUMENT that names the field.
pub fn optional_id<T: Kind>(field: &str, text: &str) -> Result<Option<Id<T>>> {
    match text {
        "" => Ok(None),
        text => id(field, text).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::User;
    use crate::pb::souk::ops::v1::{EnqueueTestJobRequest, HelloRequest};
    use tonic::Code;

    const KEYED: &str = "/souk.ops.v1.OpsService/EnqueueTestJob";
    const READ: &str = "/souk.ops.v1.OpsService/Hello";

    fn request<T>(path: &'static str, key: Option<&str>, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(key) = key {
            request
                .metadata_mut()
                .insert(IDEMPOTENCY_KEY, key.parse().unwrap());
        }
        request.extensions_mut().insert(Admitted {
            call: Call::system(path),
            policy: policy::policy(path).unwrap(),
        });
        request
    }

    fn job(message: &str) -> EnqueueTestJobRequest {
        EnqueueTestJobRequest {
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_key_comes_with_the_hash_of_its_request() {
        let (first, _) = open(request(KEYED, Some("k1"), job("a"))).unwrap();
        let (same, _) = open(request(KEYED, Some("k1"), job("a"))).unwrap();
        let (other, _) = open(request(KEYED, Some("k1"), job("b"))).unwrap();
        assert_eq!(first.idempotency, same.idempotency);
        assert_ne!(first.idempotency, other.idempotency);
    }

    #[test]
    fn a_read_takes_no_key_and_a_write_refuses_an_odd_one() {
        let (call, _) = open(request(READ, Some("k1"), HelloRequest {})).unwrap();
        assert_eq!(call.idempotency, None);
        for odd in ["", "two words", &"k".repeat(256)] {
            let refused = open(request(KEYED, Some(odd), job("a"))).unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
        }
    }

    #[test]
    fn a_request_that_passed_no_layer_is_a_fault() {
        let refused = open(Request::new(HelloRequest {})).unwrap_err();
        assert_eq!(refused.code(), Code::Internal);
    }

    #[test]
    fn a_wrong_id_names_its_field() {
        let refused = id::<User>("userId", "ord_1").unwrap_err();
        assert_eq!(refused.violations()[0].field, "userId");
    }
}
