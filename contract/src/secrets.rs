//! Hiding what is secret in a message, before it is written down where people read it.

/// What stands in the place of a secret.
pub const HIDDEN: &str = "[secret]";

/// What may hold secrets: every message of the contract, and what its fields are made of.
pub trait HideSecrets {
    /// Replaces every secret, at whatever depth, by [`HIDDEN`]. What is empty stays so.
    fn hide_secrets(&mut self) {}
}

impl HideSecrets for String {
    fn hide_secrets(&mut self) {
        if !self.is_empty() {
            HIDDEN.clone_into(self);
        }
    }
}

impl<T: HideSecrets> HideSecrets for Option<T> {
    fn hide_secrets(&mut self) {
        if let Some(value) = self {
            value.hide_secrets();
        }
    }
}

impl<T: HideSecrets> HideSecrets for Vec<T> {
    fn hide_secrets(&mut self) {
        for value in self {
            value.hide_secrets();
        }
    }
}

impl<T: HideSecrets + ?Sized> HideSecrets for Box<T> {
    fn hide_secrets(&mut self) {
        self.as_mut().hide_secrets();
    }
}

impl<K, T: HideSecrets> HideSecrets for std::collections::BTreeMap<K, T> {
    fn hide_secrets(&mut self) {
        for value in self.values_mut() {
            value.hide_secrets();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::souk::auth::v1::{RegisterRequest, VerifyOtpResponse};
    use crate::souk::users::v1::User;

    #[test]
    fn secrets_are_hidden_and_all_else_stays() {
        let mut request = RegisterRequest {
            email: "amina@example.dz".into(),
            password: "rain on the tin roof".into(),
            ..RegisterRequest::default()
        };
        request.hide_secrets();
        assert_eq!(request.email, "amina@example.dz");
        assert_eq!(request.password, HIDDEN);

        let mut answer = VerifyOtpResponse {
            access_token: "a.b.c".into(),
            user: Some(User::default()),
            ..VerifyOtpResponse::default()
        };
        answer.hide_secrets();
        assert_eq!(answer.access_token, HIDDEN);
        assert_eq!(answer.refresh_token, "");
        assert_eq!(answer.user, Some(User::default()));
    }

    #[test]
    fn lists_maps_and_boxes_hide_what_they_hold() {
        let mut nested = std::collections::BTreeMap::from([(
            1,
            vec![Some(Box::new("a".to_owned())), None, Some(Box::default())],
        )]);
        nested.hide_secrets();
        let hidden = vec![
            Some(Box::new(HIDDEN.to_owned())),
            None,
            Some(Box::default()),
        ];
        assert_eq!(nested[&1], hidden);
    }
}
