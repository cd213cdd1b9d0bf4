//! A new phone for an account: its owner proves it with a one-time password that only
//! they can use.

use super::otp::Purpose;
use super::session::{EndReason, Which};
use super::{Auth, session, store};
use crate::db::Tx;
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::phone::Phone;
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::users::{self, User};

impl Auth {
    /// Sends a password to the phone that is to become the caller's. Whose the phone is
    /// now is not looked up.
    ///
    /// # Errors
    /// INVALID_PHONE, OTP_RATE_LIMITED, UNAVAILABLE without a way to send.
    pub(super) async fn request_phone_change(&self, call: &Call, phone: &str) -> Result<()> {
        let user = call.user()?;
        self.challenge(call, phone, Purpose::ChangePhone(user))
            .await
    }

    /// Makes a phone the user's, and ends their sessions but the one that asks.
    ///
    /// # Errors
    /// INVALID_PHONE; OTP_INVALID_OR_EXPIRED, whatever is wrong with the password;
    /// OTP_RATE_LIMITED; PHONE_TAKEN when somebody else has proven the phone; NOT_FOUND.
    pub(super) async fn confirm_phone_change(
        &self,
        (user, session): (UserId, SessionId),
        phone: &str,
        otp: &str,
    ) -> Result<User> {
        let parts = &self.0;
        let phone = &Phone::parse(phone, parts.phone_country.as_deref())?;
        let purpose = Purpose::ChangePhone(user);
        // The inner result is the answer: a try counts although it is refused, so the
        // transaction commits either way.
        let attempt = |tx: Tx| async move {
            if !self.spend_try(&tx, purpose, phone, otp).await? {
                return Ok(Err(wrong()));
            }
            let Some(changed) = users::take_phone(&tx, user, phone).await? else {
                return Ok(Err(taken()));
            };
            store::consume_challenge(&tx, phone, purpose).await?;
            let others = Which::Others(user, session);
            session::end(&tx, others, EndReason::Revoked).await?;
            Ok(Ok(changed))
        };
        let outcome = parts.db.transact(attempt).await?;
        if outcome.is_ok() {
            self.count_verified();
        }
        outcome
    }
}

fn wrong() -> Error {
    let message = "the one-time password is invalid or expired";
    Error::new(Reason::OtpInvalidOrExpired, message).at("otp")
}

fn taken() -> Error {
    Error::new(Reason::PhoneTaken, "this phone belongs to another account").at("phone")
}
