//! Opening an account by e-mail address and password.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::link::Purpose;
use super::session::{Device, Pair};
use super::{Auth, link, login, mail, session, store, strength};
use crate::db::Tx;
use crate::kernel::phone::Phone;
use crate::kernel::{Call, Error, Reason, Result, Role, Secret};
use crate::services::users::{self, NewAccount, User};

/// How accounts by e-mail address are made and reached.
#[derive(Debug, Clone)]
pub struct EmailAccounts {
    /// Where the links of mails lead: the client, without a slash at the end.
    pub client_url: String,
    /// Makes the first administrator, while there is none.
    pub bootstrap_token: Option<Secret<String>>,
    /// Anybody may register as an administrator; development only.
    pub admin_signup: bool,
    /// How many passwords are hashed at once; unset, half as many as there are cores.
    pub hashers: Option<usize>,
}

impl Default for EmailAccounts {
    fn default() -> Self {
        Self {
            client_url: "http://localhost:3000".to_owned(),
            bootstrap_token: None,
            admin_signup: false,
            hashers: None,
        }
    }
}

/// What a client brings to open an account. Not for printing: it holds the password.
pub(super) struct Registration {
    pub email: String,
    pub password: String,
    pub name: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub phone: Option<String>,
    pub role: Option<Role>,
    pub device: Option<String>,
    pub bootstrap_token: Option<String>,
}

/// Why a role may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    /// Anybody may have it, or the caller may give it.
    Given,
    /// The token makes the first administrator, if nobody is one.
    IfFirst,
}

impl Auth {
    /// Opens an account and signs it in.
    ///
    /// A repeat of this call is told that the address is taken, never given a replay:
    /// recording the answer would mean storing tokens.
    ///
    /// # Errors
    /// VALIDATION_ERROR for the password, INVALID_PHONE, ROLE_NOT_ALLOWED, EMAIL_TAKEN,
    /// PHONE_TAKEN; UNAVAILABLE when too many passwords wait.
    pub(super) async fn register(&self, call: &Call, wish: &Registration) -> Result<(User, Pair)> {
        let parts = &self.0;
        let account = &self.account(wish)?;
        strength::check("password", &wish.password, Some(&account.email))?;
        let right = self.right_to(call, account.role, wish.bootstrap_token.as_deref())?;
        // Only to spare the hash: the index decides.
        let known = users::find_by_email(parts.db.read(), &account.email).await?;
        if known.is_some() {
            return Err(users::email_taken());
        }
        let seat = parts.hasher.seat().await?;
        let hash = &parts.hasher.hash(&seat, &wish.password).await?;
        drop(seat);
        let device = &Device::of(call, wish.device.clone());
        let open = |tx: Tx| async move {
            if right == Right::IfFirst {
                tx.take_turns("auth/first-admin").await?;
                if users::has_admin(&tx).await? {
                    return Err(not_allowed());
                }
            }
            let user = users::create(&tx, account).await?;
            store::credentials::put(&tx, user.user_id(), hash).await?;
            tx.audit(call).await?;
            self.welcome(&tx, call, &user).await?;
            let pair = session::start(&tx, parts, &user, device).await?;
            Ok((user, pair))
        };
        parts.db.transact(open).await
    }

    fn account(&self, wish: &Registration) -> Result<NewAccount> {
        let country = self.0.phone_country.as_deref();
        let phone = wish.phone.as_deref().filter(|text| !text.trim().is_empty());
        Ok(NewAccount {
            email: login::normal(&wish.email),
            name: wish.name.clone(),
            first_name: wish.first_name.clone(),
            last_name: wish.last_name.clone(),
            phone: phone.map(|text| Phone::parse(text, country)).transpose()?,
            role: wish.role.unwrap_or(Role::Customer),
        })
    }

    fn right_to(&self, call: &Call, role: Role, token: Option<&str>) -> Result<Right> {
        let accounts = &self.0.accounts;
        if role != Role::Admin || call.caller.is_admin() || accounts.admin_signup {
            return Ok(Right::Given);
        }
        match (&accounts.bootstrap_token, token) {
            (Some(ours), Some(given)) if is_same(ours.expose(), given) => Ok(Right::IfFirst),
            _ => Err(not_allowed()),
        }
    }

    /// Sends the first mail, which proves the address. Where too many were sent already,
    /// the account does without, and may ask for it later.
    async fn welcome(&self, tx: &Tx, call: &Call, user: &User) -> Result<()> {
        let Some(email) = user
            .email
            .as_deref()
            .filter(|_| self.0.outside.mail.is_some())
        else {
            return Ok(());
        };
        let link = self.link(call, Purpose::VerifyEmail, email, tx.now());
        let link = link::Link {
            user: Some(user.user_id()),
            ..link
        };
        match mail::issue(tx, &link, mail::Kind::Welcome).await {
            Err(error) if error.reason() == Reason::RateLimitExceeded => Ok(()),
            outcome => outcome,
        }
    }
}

/// Compares in a time that tells neither content nor length.
fn is_same(ours: &str, given: &str) -> bool {
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    bool::from(digest(ours).ct_eq(&digest(given)))
}

fn not_allowed() -> Error {
    Error::new(
        Reason::RoleNotAllowed,
        "only an administrator makes administrators",
    )
    .at("role")
}
