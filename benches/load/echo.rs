//! The measure of all rates: a tonic server that does nothing but answer with a message
//! of the same size, in a process of its own like souk.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll};

use prost::Message;
use souk::pb::souk::catalog::v1::{GetProductRequest, GetProductResponse};
use tempfile::NamedTempFile;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::rig::free_port;

/// The first argument of the process that is the echo server.
pub const ROLE: &str = "echo-server";

/// A running echo server.
pub struct Echo {
    child: Child,
    port: u16,
    _answer: NamedTempFile,
}

impl Echo {
    /// Starts this program again as the echo server of `answer`.
    pub fn start(answer: &GetProductResponse) -> Self {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), answer.encode_to_vec()).unwrap();
        let port = free_port();
        let child = Command::new(std::env::current_exe().unwrap())
            .arg(ROLE)
            .arg(port.to_string())
            .arg(file.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            port,
            _answer: file,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Serves until killed.
pub async fn serve(port: u16, answer: &Path) {
    let bytes = std::fs::read(answer).unwrap();
    let service = EchoService(Arc::new(GetProductResponse::decode(&*bytes).unwrap()));
    let address: SocketAddr = (Ipv4Addr::LOCALHOST, port).into();
    Server::builder()
        .add_service(service)
        .serve(address)
        .await
        .unwrap();
}

/// Answers every call with the same product, under the path of the real one.
#[derive(Clone)]
struct EchoService(Arc<GetProductResponse>);

impl NamedService for EchoService {
    const NAME: &'static str = "souk.catalog.v1.CatalogService";
}

impl UnaryService<GetProductRequest> for EchoService {
    type Response = GetProductResponse;
    type Future = Ready<Result<Response<GetProductResponse>, Status>>;

    fn call(&mut self, _: Request<GetProductRequest>) -> Self::Future {
        ready(Ok(Response::new((*self.0).clone())))
    }
}

impl Service<http::Request<Body>> for EchoService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let codec = ProstCodec::<GetProductResponse, GetProductRequest>::default();
            Ok(Grpc::new(codec).unary(service, request).await)
        })
    }
}
