//! A client of HTTP/2 that is free to say and to leave out what it likes.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use http::{HeaderMap, Request};
use prost::Message;
use tokio::task::JoinSet;

use crate::raw::dial;

/// A connection; it closes when this is dropped.
pub struct Client {
    pub send: SendRequest<Bytes>,
    _driver: JoinSet<()>,
}

/// What came of a call.
#[derive(Debug)]
pub struct Outcome {
    /// The HTTP status; none when there was no answer.
    pub http: Option<u16>,
    /// The gRPC status of headers or trailers.
    pub grpc: Option<i32>,
    /// Why the answer broke off.
    pub broken: Option<String>,
}

impl Client {
    pub async fn connect(from: u8, to: SocketAddr, builder: &Builder) -> Self {
        let socket = dial(from, to).await;
        let (send, connection) = builder.handshake::<_, Bytes>(socket).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            let _ = connection.await;
        });
        Self {
            send,
            _driver: driver,
        }
    }

    /// Opens a call whose body is `body`, whole.
    pub async fn open(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<h2::client::ResponseFuture, h2::Error> {
        let mut request = Request::post(format!("http://souk{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut send = self.send.clone().ready().await?;
        let (response, mut stream) = send.send_request(request.body(()).unwrap(), false)?;
        stream.send_data(body, true)?;
        Ok(response)
    }

    /// A call to its end.
    pub async fn call(&self, path: &str, headers: &[(&str, &str)], body: Bytes) -> Outcome {
        match self.open(path, headers, body).await {
            Ok(response) => finish(response).await,
            Err(error) => broken(None, error),
        }
    }
}

/// A message in its gRPC frame.
pub fn framed(message: &impl Message) -> Bytes {
    framed_as(0, &message.encode_to_vec())
}

/// Bytes in a gRPC frame that says how they are compressed.
pub fn framed_as(compressed: u8, bytes: &[u8]) -> Bytes {
    let mut frame = vec![compressed];
    frame.extend((bytes.len() as u32).to_be_bytes());
    frame.extend(bytes);
    frame.into()
}

/// Reads an answer to its end.
pub async fn finish(response: h2::client::ResponseFuture) -> Outcome {
    let response = match response.await {
        Ok(response) => response,
        Err(error) => return broken(None, error),
    };
    let http = Some(response.status().as_u16());
    let mut grpc = status(response.headers());
    let mut body = response.into_body();
    while let Some(data) = body.data().await {
        match data {
            Ok(data) => drop(body.flow_control().release_capacity(data.len())),
            Err(error) => return broken(http, error),
        }
    }
    match body.trailers().await {
        Ok(trailers) => grpc = trailers.as_ref().and_then(status).or(grpc),
        Err(error) => return broken(http, error),
    }
    Outcome {
        http,
        grpc,
        broken: None,
    }
}

pub fn status(headers: &HeaderMap) -> Option<i32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

fn broken(http: Option<u16>, error: h2::Error) -> Outcome {
    Outcome {
        http,
        grpc: None,
        broken: Some(error.to_string()),
    }
}
