//! Tokens for those who hold the keys anyway: the command line and the demo.

use super::leave::KnownPasswords;
use super::session::Device;
use super::{Auth, session, verify};
use crate::db::Tx;
use crate::kernel::phone::Phone;
use crate::kernel::{Error, Reason, Result, Role};
use crate::services::users;

impl Auth {
    /// Signs a phone in without a one-time password and gives the access token. An
    /// unknown phone gets an account with `role`.
    ///
    /// # Errors
    /// INVALID_PHONE; CONFLICT when the account has another role; ACCOUNT_INACTIVE.
    pub async fn sign_in_as(&self, phone: &str, role: Role) -> Result<String> {
        let phone = &Phone::parse(phone, self.0.phone_country.as_deref())?;
        let device = &Device {
            name: Some("souk token".to_owned()),
            ..Device::default()
        };
        let sign_in = |tx: Tx| async move {
            let user = users::find_or_create_by_phone(&tx, phone, role, &KnownPasswords).await?;
            if user.role() != role {
                let other = Error::new(Reason::Conflict, "the account has another role");
                return Err(other.with("role", user.role().as_str()));
            }
            if !user.is_active {
                return Err(verify::inactive());
            }
            session::start(&tx, &self.0, &user, device).await
        };
        Ok(self.0.db.transact(sign_in).await?.access)
    }
}
