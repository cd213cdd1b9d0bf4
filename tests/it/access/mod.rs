//! Plays the access matrix: every RPC by every kind of caller, over gRPC and over every
//! HTTP binding. What a caller may not know of is as what does not exist, a refused call
//! changes no row, and no answer tells more than the tables under `tests/access` say.

#[path = "../../access/budgets.rs"]
mod budgets;
#[path = "../../access/coverage.rs"]
mod coverage;
#[path = "../../access/matrix/mod.rs"]
mod matrix;
#[path = "../../access/settable.rs"]
mod settable;
#[path = "../../access/walk.rs"]
mod walk;

mod admissions;
mod fields;
mod ids;
mod market;
mod mass;
mod pages;
mod refusals;
mod resumption;
mod roles;
mod routes;
mod stage;

use prost_reflect::{DescriptorPool, MessageDescriptor};
use souk::pb::DESCRIPTOR_BYTES;
use souk::pb::policy::{self, Access, Idempotency, MethodPolicy};

use crate::support::raw::method;

/// The policy of `OrderService/PlaceOrder`.
fn policy_of(rpc: &str) -> &'static MethodPolicy {
    policy::policy(method(rpc).path).unwrap()
}

/// Whether a caller without a token gets as far as the service.
fn is_open(rpc: &str) -> bool {
    matches!(
        policy_of(rpc).access,
        Access::Public | Access::Development | Access::Network | Access::Webhook
    )
}

fn is_read(rpc: &str) -> bool {
    policy_of(rpc).idempotency == Idempotency::Safe
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTOR_BYTES).unwrap()
}

/// The request message of an RPC.
fn input(pool: &DescriptorPool, rpc: &str) -> MessageDescriptor {
    pool.get_message_by_name(method(rpc).input.full_name)
        .unwrap()
}

/// Fails with everything that was found wrong, once.
#[track_caller]
fn assert_nothing(wrong: &[String]) {
    let (count, list) = (wrong.len(), wrong.join("\n"));
    assert!(wrong.is_empty(), "{count} cells are wrong:\n{list}");
}
