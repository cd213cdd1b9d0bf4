//! Signing in without a password, for whoever runs the server: the first administrator,
//! and tools of development.

use super::session::{Device, Pair};
use super::{Auth, session, verify};
use crate::db::Tx;
use crate::kernel::phone::Phone;
use crate::kernel::{Result, Role};
use crate::services::users::{self, User};

/// The tokens of a session that was made by hand.
#[derive(Debug)]
pub struct Minted {
    /// Whose session it is.
    pub user: User,
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// How long the access token works, in seconds.
    pub expires_in: i32,
}

impl Auth {
    /// Signs in the owner of a phone. A new account gets `role`, whichever it is; an
    /// existing one keeps its own. No call from outside leads here.
    ///
    /// # Errors
    /// INVALID_PHONE, ACCOUNT_INACTIVE.
    pub async fn mint(&self, phone: &str, role: Role) -> Result<Minted> {
        let phone = &Phone::parse(phone, self.0.phone_country.as_deref())?;
        let device = &Device {
            name: Some("command line".to_owned()),
            ..Device::default()
        };
        let sign_in = |tx: Tx| async move {
            let user = users::find_or_create_by_phone(&tx, phone, role).await?;
            if !user.is_active {
                return Err(verify::inactive());
            }
            let pair = session::start(&tx, &self.0, &user, device).await?;
            Ok((user, pair))
        };
        let (user, pair): (User, Pair) = self.0.db.transact(sign_in).await?;
        Ok(Minted {
            user,
            access_token: pair.access,
            refresh_token: pair.refresh.expose().to_owned(),
            expires_in: pair.expires_in,
        })
    }
}
