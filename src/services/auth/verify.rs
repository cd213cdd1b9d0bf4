//! Signing in with a one-time password.

use super::leave::KnownPasswords;
use super::otp::Purpose;
use super::session::{Device, Pair};
use super::{Auth, attempts, otp, session, store};
use crate::db::Tx;
use crate::kernel::phone::Phone;
use crate::kernel::{Call, Error, Reason, Result, Role};
use crate::services::users::{self, User};

/// What a client brings to sign in.
#[derive(Debug)]
pub(super) struct SignIn {
    pub phone: String,
    pub otp: String,
    /// For a new account; an existing one keeps its role.
    pub role: Option<Role>,
    pub device: Option<String>,
}

impl Auth {
    /// Signs in; an unknown phone gets an account.
    ///
    /// A repeat of this call is a new try, never a replay: the password works once, and
    /// recording the answer would mean storing tokens. A client that lost the answer
    /// asks for another password.
    ///
    /// # Errors
    /// INVALID_PHONE; OTP_INVALID_OR_EXPIRED, whatever is wrong with the password;
    /// OTP_RATE_LIMITED; ROLE_NOT_ALLOWED;
    /// ACCOUNT_INACTIVE.
    pub(super) async fn verify_otp(&self, call: &Call, wish: &SignIn) -> Result<(User, Pair)> {
        let phone = &Phone::parse(&wish.phone, self.0.phone_country.as_deref())?;
        let device = &Device::of(call, wish.device.clone());
        // The inner result is the answer: a try counts although it is refused, so the
        // transaction commits either way.
        let attempt = |tx: Tx| async move {
            if self
                .spend_try(&tx, Purpose::SignIn, phone, &wish.otp)
                .await?
            {
                return self.admit(&tx, phone, wish.role, device).await;
            }
            Ok(Err(Error::new(
                Reason::OtpInvalidOrExpired,
                "the one-time password is invalid or expired",
            )
            .at("otp")))
        };
        let outcome = self.0.db.transact(attempt).await?;
        if outcome.is_ok() {
            self.count_verified();
        }
        outcome
    }

    /// Takes one try from the phone's challenge and says whether the password is right.
    /// A wrong one also counts against the phone's hundred of the day. Tries without a
    /// challenge count for nothing: none of them can be right.
    ///
    /// # Errors
    /// OTP_RATE_LIMITED, with the try left as it was.
    pub(super) async fn spend_try(
        &self,
        tx: &Tx,
        purpose: Purpose,
        phone: &Phone,
        given: &str,
    ) -> Result<bool> {
        let parts = &self.0;
        let seed = store::count_attempt(tx, phone, purpose, otp::ATTEMPTS_MAX).await?;
        let Some(seed) = seed else {
            return Ok(false);
        };
        attempts::admit_code(tx, &parts.keys, phone).await?;
        let is_right = parts.codes.matches(purpose, phone, &seed, given);
        if !is_right {
            attempts::count_code(tx, &parts.keys, phone).await?;
        }
        Ok(is_right)
    }

    /// The owner of the phone comes in, unless the account forbids it; then the password
    /// has lost a try but is not spent.
    async fn admit(
        &self,
        tx: &Tx,
        phone: &Phone,
        role: Option<Role>,
        device: &Device,
    ) -> Result<Result<(User, Pair)>> {
        let role = role.unwrap_or(Role::Customer);
        if role == Role::Admin && users::find_by_phone(tx.conn(), phone).await?.is_none() {
            return Ok(Err(Error::new(
                Reason::RoleNotAllowed,
                "an administrator's account cannot be made by signing in",
            )
            .at("role")));
        }
        let user = users::find_or_create_by_phone(tx, phone, role, &KnownPasswords).await?;
        if !user.is_active {
            return Ok(Err(inactive()));
        }
        store::consume_challenge(tx, phone, Purpose::SignIn).await?;
        let pair = session::start(tx, &self.0, &user, device).await?;
        Ok(Ok((user, pair)))
    }
}

/// The account is switched off.
pub(super) fn inactive() -> Error {
    Error::new(Reason::AccountInactive, "this account is not active")
}
