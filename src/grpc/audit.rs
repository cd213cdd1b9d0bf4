//! What the audit log will say of a call: the request of an administrator who asks for a
//! change, as the contract's JSON, its secrets hidden.

use std::sync::Arc;

use prost::Message;

use crate::kernel::{Caller, Error, Reason, Result, Role};
use crate::pb::methods;
use crate::pb::policy::{Idempotency, MethodPolicy};

/// Bytes of a request that are kept; what is longer is cut, and says so.
const KEPT: usize = 16 * 1024;
/// Ends a text that was cut.
const CUT: &str = "… (cut)";

/// The text for the audit log, where the call belongs into it.
pub(super) fn entry(
    caller: &Caller,
    policy: &MethodPolicy,
    message: &impl Message,
) -> Result<Option<Arc<str>>> {
    let by_admin = matches!(
        caller,
        Caller::User {
            role: Role::Admin,
            ..
        }
    );
    if !by_admin || policy.idempotency == Idempotency::Safe {
        return Ok(None);
    }
    let method = methods::method(policy.path)
        .ok_or_else(|| Error::internal("a method with a policy is in no service"))?;
    let mut json = Vec::new();
    let written = (method.input.encode_hidden)(&message.encode_to_vec(), &mut json);
    // A number that stands for no word, or a time beyond the calendar.
    written.map_err(|error| {
        Error::new(
            Reason::ValidationError,
            "the request holds a value that has no JSON form",
        )
        .caused_by(error)
    })?;
    let json = String::from_utf8(json).map_err(Error::internal)?;
    Ok(Some(cut(json).into()))
}

fn cut(mut text: String) -> String {
    if text.len() > KEPT {
        text.truncate(text.floor_char_boundary(KEPT - CUT.len()));
        text.push_str(CUT);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Id, Time};
    use crate::pb::policy;
    use crate::pb::souk::auth::v1::ChangePasswordRequest;
    use crate::pb::souk::ops::v1::EnqueueTestJobRequest;
    use crate::pb::souk::users::v1::SetUserRoleRequest;

    fn user(role: Role) -> Caller {
        Caller::User {
            id: Id::new(Time::default()),
            role,
            session: Id::new(Time::default()),
        }
    }

    fn written(caller: &Caller, path: &str, message: &impl Message) -> Option<String> {
        let entry = entry(caller, policy::policy(path).unwrap(), message).unwrap();
        entry.map(|text| text.as_ref().to_owned())
    }

    #[test]
    fn only_changes_by_administrators_are_written_down() {
        let (write, read) = (
            "/souk.ops.v1.OpsService/EnqueueTestJob",
            "/souk.ops.v1.OpsService/Hello",
        );
        let job = EnqueueTestJobRequest {
            message: "hello".into(),
        };
        let admin = user(Role::Admin);
        let text = written(&admin, write, &job);
        assert_eq!(text.as_deref(), Some(r#"{"message":"hello"}"#));
        assert_eq!(written(&admin, read, &job), None);
        for other in [
            user(Role::StoreOwner),
            user(Role::Customer),
            Caller::Anonymous,
            Caller::System,
        ] {
            assert_eq!(written(&other, write, &job), None, "{other}");
        }
    }

    #[test]
    fn secrets_are_hidden() {
        let change = ChangePasswordRequest {
            new_password: "rain on the tin roof".into(),
            ..Default::default()
        };
        let path = "/souk.auth.v1.AuthService/ChangePassword";
        let text = written(&user(Role::Admin), path, &change).unwrap();
        assert!(text.contains(r#""newPassword":"[secret]""#), "{text}");
    }

    #[test]
    fn a_long_request_is_cut_between_two_letters() {
        let path = "/souk.ops.v1.OpsService/EnqueueTestJob";
        for lead in ["", "a"] {
            let job = EnqueueTestJobRequest {
                message: format!("{lead}{}", "ش".repeat(KEPT)),
            };
            let text = written(&user(Role::Admin), path, &job).unwrap();
            assert!((KEPT - 1..=KEPT).contains(&text.len()), "{}", text.len());
            assert!(text.ends_with("ش… (cut)"));
        }
    }

    #[test]
    fn a_request_that_cannot_be_written_down_is_refused() {
        let odd = SetUserRoleRequest {
            id: "usr_1".into(),
            role: 77,
        };
        let policy = policy::policy("/souk.users.v1.UserService/SetUserRole").unwrap();
        let refused = entry(&user(Role::Admin), policy, &odd).unwrap_err();
        assert_eq!(refused.reason(), Reason::ValidationError);
    }
}
