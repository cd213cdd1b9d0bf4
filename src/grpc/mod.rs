//! The server's side of gRPC: the layers that every call passes in order, and what
//! handlers need to read requests and write answers.
//!
//! The way of a request, from outside in:
//! - `server` accepts connections within bounds; `connection` lets each live within its
//!   own, so that silent or endless peers cost little; `overhear` listens in for what the
//!   HTTP library lets pass, and `paced` drops answers that nobody reads;
//! - `front` names the request, finds the client's address, answers preflights and
//!   splits gRPC-Web, gRPC and JSON;
//! - `calls` bounds the call in time, catches its panics, waits for its message, finds room
//!   for it, learns who calls, decides by the contract's policy whether it may, and counts
//!   how often and how many streams it holds.
//!
//! It knows the contract and the kernel, never a service: `app` joins them.

pub mod convert;
pub mod paging;
pub mod request_id;

mod access;
mod audit;
mod authenticate;
mod calls;
mod client_ip;
mod config;
mod connection;
mod cors;
mod deadline;
mod drain;
mod frames;
mod front;
mod headers;
mod heads;
mod lanes;
mod large;
mod lasting;
mod message;
mod meter;
mod overhear;
mod paced;
mod rates;
mod record;
mod reply;
mod server;
mod status;
mod streams;
#[cfg(test)]
mod tests;
mod throttle;
mod tls;

pub use authenticate::Authenticator;
pub use calls::Calls;
pub use config::{Limits, Origins, ServerConfig, TlsFiles};
pub use front::Edge;
pub use large::largest_request;
pub use rates::{Class, Rates};
pub use reply::{Streaming, answer, id, open, optional_id, reply, stream};
pub use server::{Server, Serving};
pub use throttle::Limiters;

/// The largest request in bytes, unless the contract says otherwise for a method: files go
/// to the object store instead.
pub const MAX_REQUEST: usize = 1024 * 1024;
/// The largest answer in bytes.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// A generated gRPC server with the bounds on its messages.
#[macro_export]
macro_rules! bounded {
    ($server:expr) => {{
        let server = $server;
        let largest = $crate::grpc::largest_request(&server);
        server
            .max_decoding_message_size(largest)
            .max_encoding_message_size($crate::grpc::MAX_ANSWER)
    }};
}
