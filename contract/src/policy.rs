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
    /// The largest request in bytes, where it is not the server's usual limit.
    pub max_bytes: Option<usize>,
    /// The answer is a stream.
    pub server_streaming: bool,
}

impl MethodPolicy {
    /// The method's service: `souk.orders.v1.OrderService` of
    /// `/souk.orders.v1.OrderService/PlaceOrder`.
    pub fn service(&self) -> &'static str {
        let path = self.path.trim_start_matches('/');
        path.split_once('/')
            .map_or(path, |(service, _method)| service)
    }
}

/// The policy of the method at a gRPC path, or `None` where the contract has none.
pub fn policy(path: &str) -> Option<&'static MethodPolicy> {
    ALL.get(position(path)?)
}

/// Where the policy of the method at a gRPC path stands in [`ALL`].
pub fn position(path: &str) -> Option<usize> {
    ALL.binary_search_by(|policy| policy.path.cmp(path)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods;

    #[test]
    fn every_method_has_its_policy_and_is_found_by_its_path() {
        assert!(!ALL.is_empty());
        assert_eq!(ALL.len(), methods::ALL.len());
        for (known, method) in ALL.iter().zip(methods::ALL) {
            assert_eq!(known.path, method.path);
            assert_eq!(known.server_streaming, method.server_streaming);
            assert_eq!(policy(known.path), Some(known));
        }
        assert_eq!(policy("/souk.orders.v1.OrderService/Forget"), None);
        assert_eq!(policy(""), None);
    }

    #[test]
    fn placing_an_order_is_keyed_and_answers_created() {
        let place = policy("/souk.orders.v1.OrderService/PlaceOrder").unwrap();
        assert_eq!(place.service(), "souk.orders.v1.OrderService");
        assert_eq!(place.idempotency, Idempotency::Keyed);
        assert_eq!(place.rate, Rate::Checkout);
        assert!(place.created);
        assert!(!place.server_streaming);
    }

    #[test]
    fn roles_go_with_role_access_alone() {
        for policy in ALL {
            assert_eq!(policy.access == Access::Role, !policy.roles.is_empty());
        }
        assert_eq!(Role::from_number(Role::Admin as i32), Some(Role::Admin));
        assert_eq!(Role::StoreOwner.as_str(), "STORE_OWNER");
        assert_eq!(Role::from_number(0), None);
    }
}
