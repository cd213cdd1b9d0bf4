//! The JSON codecs of requests and responses, by full name: from JSON to the wire form
//! and back, through the typed message, so that the mapping is the canonical one.

use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::methods::MESSAGES;

/// Translates one message between JSON and the protobuf wire form.
#[derive(Clone, Copy, Debug)]
pub struct MessageCodec {
    /// The message's full name, such as `souk.orders.v1.PlaceOrderRequest`.
    pub full_name: &'static str,
    /// JSON text to wire form. Unknown fields and unknown enum words are errors.
    pub decode: fn(&[u8]) -> Result<Vec<u8>, serde_json::Error>,
    /// As `decode`, from JSON that is already parsed.
    pub decode_value: fn(serde_json::Value) -> Result<Vec<u8>, serde_json::Error>,
    /// Wire form to JSON text, appended to the buffer.
    pub encode: fn(&[u8], &mut Vec<u8>) -> Result<(), EncodeError>,
}

/// Why a message could not be written as JSON.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The bytes are not the message.
    #[error("not a message of this type: {0}")]
    Wire(#[from] prost::DecodeError),
    /// The message holds an enum number that the contract does not know.
    #[error("the message has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
}

impl MessageCodec {
    pub(crate) const fn of<M>(full_name: &'static str) -> Self
    where
        M: Message + Default + Serialize + DeserializeOwned,
    {
        Self {
            full_name,
            decode: decode::<M>,
            decode_value: decode_value::<M>,
            encode: encode::<M>,
        }
    }
}

/// The codec of a request or response by its full name.
pub fn codec(full_name: &str) -> Option<&'static MessageCodec> {
    let index = MESSAGES
        .binary_search_by(|codec| codec.full_name.cmp(full_name))
        .ok()?;
    MESSAGES.get(index)
}

fn decode<M: Message + DeserializeOwned>(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::from_slice::<M>(json).map(|message| message.encode_to_vec())
}

fn decode_value<M: Message + DeserializeOwned>(
    json: serde_json::Value,
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::from_value::<M>(json).map(|message| message.encode_to_vec())
}

fn encode<M: Message + Default + Serialize>(
    wire: &[u8],
    json: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    Ok(serde_json::to_writer(json, &M::decode(wire)?)?)
}
