//! The policy of every method, as its `souk.options.v1.policy` states it.

include!(concat!(env!("OUT_DIR"), "/policy.rs"));

/// The policy of one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodPolicy {
    /// The gRPC path, such as `/souk.orders.v1.OrderService/PlaceOrder`.
    pub path: &'static str,
    /// Who may call.
    pub access: Access,
    /// For [`Access::Role`]: the roles, any of which suffices. Otherwise empty.
    pub roles: &'static [Role],
    /// The class of rate limit that a call counts against.
    pub rate: Rate,
    /// How a repeat behaves.
    pub idempotency: Idempotency,
    /// A JSON answer has the status 201 instead of 200.
    pub created: bool,
    /// The answer is a stream.
    pub server_streaming: bool,
}

/// The policy of the method at a gRPC path, or `None` where the contract has none.
pub fn policy(path: &str) -> Option<&'static MethodPolicy> {
    let index = ALL.binary_search_by(|policy| policy.path.cmp(path)).ok()?;
    ALL.get(index)
}
