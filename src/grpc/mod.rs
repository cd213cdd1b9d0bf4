//! The server's side of gRPC: the layers that every call passes in order, and what
//! handlers need to read requests and write answers.
//!
//! It knows the contract and the kernel, never a service: `app` joins them.

pub mod convert;
pub mod paging;

mod authenticate;
mod reply;
pub mod request_id;
mod status;

pub use authenticate::Authenticator;
pub use reply::{Streaming, answer, id, open, reply, stream};
