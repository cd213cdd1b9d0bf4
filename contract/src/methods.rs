//! Every method of the contract with its messages.

use crate::json::MessageCodec;

include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// What the contract says of a method, apart from its policy and routes.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// The gRPC path, such as `/souk.orders.v1.OrderService/PlaceOrder`.
    pub path: &'static str,
    /// The request, with its full name.
    pub input: &'static MessageCodec,
    /// The response, with its full name; one message of the stream where it streams.
    pub output: &'static MessageCodec,
    /// The request is a stream.
    pub client_streaming: bool,
    /// The answer is a stream.
    pub server_streaming: bool,
    /// Clients should stop calling it.
    pub deprecated: bool,
    /// The field that is the whole answer over HTTP; elsewhere the answer is JSON.
    pub text: Option<Text>,
}

/// A string field that is an answer of its own over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// The field's number.
    pub number: u32,
    /// The content type of the answer.
    pub content_type: &'static str,
}

/// The method at a gRPC path.
pub fn method(path: &str) -> Option<&'static Method> {
    let index = ALL.binary_search_by(|method| method.path.cmp(path)).ok()?;
    ALL.get(index)
}
