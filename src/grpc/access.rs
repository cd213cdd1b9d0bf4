//! Who may call: the contract's policy, decided once for every transport. Whose record
//! it is stays with the service.

use crate::kernel::{Caller, Error, Reason, Result, Role};
use crate::pb::policy::{self, Access, MethodPolicy};

/// Where a call comes from and goes to, as far as that lets anybody pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The server runs on somebody's desk.
    pub(super) development: bool,
    /// The peer stands in a private network, and no proxy between.
    pub(super) inside: bool,
}

/// Lets the caller pass, or refuses.
///
/// # Errors
/// TOKEN_MISSING when the method needs a signed-in user, FORBIDDEN when this one may
/// not call it, NOT_FOUND for methods that are not reachable from outside.
pub(super) fn check(policy: &MethodPolicy, caller: &Caller, place: Place) -> Result<()> {
    match policy.access {
        // A webhook proves itself by its signature, which its service checks.
        Access::Public | Access::Webhook => Ok(()),
        Access::SignedIn => role(caller).map(drop),
        Access::Role => {
            let role = role(caller)?;
            let listed = policy.roles.iter().any(|allowed| same(*allowed, role));
            listed.then_some(()).ok_or_else(|| forbidden(policy))
        }
        Access::Development if place.development => Ok(()),
        Access::Network if place.inside => Ok(()),
        Access::Development | Access::Network => match role(caller)? {
            Role::Admin => Ok(()),
            _ => Err(forbidden(policy)),
        },
        Access::Internal => Err(Error::not_found("method")),
    }
}

fn role(caller: &Caller) -> Result<Role> {
    match caller {
        Caller::User { role, .. } => Ok(*role),
        Caller::Anonymous | Caller::System => Err(Error::new(
            Reason::TokenMissing,
            "sign in to call this method",
        )),
    }
}

fn forbidden(policy: &MethodPolicy) -> Error {
    let roles: Vec<&str> = policy.roles.iter().map(|role| role.as_str()).collect();
    let error = Error::forbidden("your role may not call this method");
    if roles.is_empty() {
        error
    } else {
        error.with("roles", roles.join(", "))
    }
}

const fn same(listed: policy::Role, role: Role) -> bool {
    matches!(
        (listed, role),
        (policy::Role::Customer, Role::Customer)
            | (policy::Role::StoreOwner, Role::StoreOwner)
            | (policy::Role::DeliveryPartner, Role::DeliveryPartner)
            | (policy::Role::Freelancer, Role::Freelancer)
            | (policy::Role::Admin, Role::Admin)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Id, Time};
    use crate::pb::policy::{Idempotency, Rate};

    fn policy(access: Access, roles: &'static [policy::Role]) -> MethodPolicy {
        MethodPolicy {
            path: "/souk.test.v1.TestService/Test",
            access,
            roles,
            rate: Rate::Read,
            idempotency: Idempotency::Safe,
            created: false,
            max_bytes: None,
            server_streaming: false,
        }
    }

    fn user(role: Role) -> Caller {
        Caller::User {
            id: Id::new(Time::default()),
            role,
            session: Id::new(Time::default()),
        }
    }

    #[test]
    fn each_access_lets_exactly_its_callers_pass() {
        use Reason::{Forbidden, NotFound, TokenMissing};
        let roles = &[policy::Role::StoreOwner, policy::Role::Admin];
        let nobody = Caller::Anonymous;
        let (customer, owner) = (user(Role::Customer), user(Role::StoreOwner));
        let admin = user(Role::Admin);
        let cases = [
            (policy(Access::Public, &[]), false, [None, None, None, None]),
            (
                policy(Access::Webhook, &[]),
                false,
                [None, None, None, None],
            ),
            (
                policy(Access::SignedIn, &[]),
                false,
                [Some(TokenMissing), None, None, None],
            ),
            (
                policy(Access::Role, roles),
                false,
                [Some(TokenMissing), Some(Forbidden), None, None],
            ),
            (
                policy(Access::Development, &[]),
                true,
                [None, None, None, None],
            ),
            (
                policy(Access::Development, &[]),
                false,
                [Some(TokenMissing), Some(Forbidden), Some(Forbidden), None],
            ),
            (policy(Access::Network, &[]), true, [None, None, None, None]),
            (
                policy(Access::Network, &[]),
                false,
                [Some(TokenMissing), Some(Forbidden), Some(Forbidden), None],
            ),
            (policy(Access::Internal, &[]), true, [Some(NotFound); 4]),
        ];
        for (policy, open, expected) in cases {
            let place = Place {
                development: open,
                inside: open,
            };
            let callers = [&nobody, &customer, &owner, &admin];
            for (caller, expected) in callers.into_iter().zip(expected) {
                let refused = check(&policy, caller, place).err();
                let reason = refused.map(|error| error.reason());
                assert_eq!(reason, expected, "{:?} {caller}", policy.access);
            }
        }
    }

    #[test]
    fn the_roles_of_contract_and_kernel_are_the_same() {
        for role in Role::ALL {
            let listed = policy::Role::ALL.iter().find(|listed| same(**listed, role));
            assert_eq!(listed.unwrap().as_str(), role.as_str());
        }
    }
}
