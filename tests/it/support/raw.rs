//! Any RPC by name, with JSON in and JSON out, over real gRPC.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use serde_json::Value;
use souk::pb::methods::{self, Method};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};

use super::Client;

/// Messages as the bytes they are.
#[derive(Clone, Copy, Default)]
struct Wire;

impl Codec for Wire {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Wire {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Wire {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// The method of `OrderService/PlaceOrder`.
pub fn method(rpc: &str) -> &'static Method {
    let suffix = format!(".{rpc}");
    methods::ALL
        .iter()
        .find(|method| method.path.ends_with(&suffix))
        .unwrap()
}

impl Client {
    /// Calls an RPC by name. Of a stream, the first message is the answer.
    pub async fn call(&self, rpc: &str, message: &str) -> Result<Value, Status> {
        Ok(self.counted(rpc, message).await?.0)
    }

    /// The same, with the number of statements that the call ran; none for a stream.
    pub async fn counted(&self, rpc: &str, message: &str) -> Result<(Value, Option<u32>), Status> {
        let wire = (method(rpc).input.decode)(message.as_bytes());
        self.send(rpc, wire.unwrap()).await
    }

    /// The same, with a message as the bytes it is.
    pub async fn send(&self, rpc: &str, wire: Vec<u8>) -> Result<(Value, Option<u32>), Status> {
        let method = method(rpc);
        let mut request = Request::new(wire);
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        let mut grpc = tonic::client::Grpc::new(self.channel());
        grpc.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static(method.path);
        let mut statements = None;
        let answer = if method.server_streaming {
            let mut stream = grpc
                .server_streaming(request, path, Wire)
                .await?
                .into_inner();
            let first = tokio::time::timeout(Duration::from_secs(10), stream.message()).await;
            first
                .expect("a stream begins at once")?
                .expect("a stream begins with a message")
        } else {
            let response = grpc.unary(request, path, Wire).await?;
            statements = Some(super::clients::statements(&response));
            response.into_inner()
        };
        let mut json = Vec::new();
        (method.output.encode)(&answer, &mut json).unwrap();
        Ok((serde_json::from_slice(&json).unwrap(), statements))
    }
}
