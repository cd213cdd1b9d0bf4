//! Asking for a one-time password.

use std::net::IpAddr;

use super::otp::{self, Purpose, Seed};
use super::{Auth, jobs, spend, store};
use crate::db::Tx;
use crate::kernel::network::network;
use crate::kernel::phone::Phone;
use crate::kernel::{Call, Error, Reason, Result, Time, random};

/// A password that waits for its owner.
#[derive(Debug, Clone)]
pub(super) struct Challenge {
    pub id: uuid::Uuid,
    pub phone: Phone,
    pub purpose: Purpose,
    pub seed: Seed,
    pub created_at: Time,
    pub expires_at: Time,
}

impl Auth {
    /// Sends a new password to a phone, to sign in with; the one before stops working.
    ///
    /// # Errors
    /// INVALID_PHONE, OTP_RATE_LIMITED, UNAVAILABLE without a way to send.
    pub(super) async fn request_otp(&self, call: &Call, phone: &str) -> Result<()> {
        self.challenge(call, phone, Purpose::SignIn).await
    }

    /// Sends a new password to a phone; the one before of the same purpose stops working.
    ///
    /// Whether the phone has an account is never looked up, so the answer cannot tell.
    /// Sends are counted under three row locks, of the phone, the address and the day, so
    /// the limits hold exactly however many calls and processes take part.
    ///
    /// # Errors
    /// INVALID_PHONE, OTP_RATE_LIMITED, UNAVAILABLE without a way to send.
    pub(super) async fn challenge(&self, call: &Call, phone: &str, purpose: Purpose) -> Result<()> {
        let parts = &self.0;
        let phone = &Phone::parse(phone, parts.phone_country.as_deref())?;
        if parts.outside.sms.is_none() {
            return Err(Error::new(
                Reason::Unavailable,
                "text messages cannot be sent from here",
            ));
        }
        let ip = &call.ip.map(source);
        let send = |tx: Tx| async move {
            let challenge = Challenge {
                id: uuid::Uuid::from_bytes(random::bytes()),
                phone: phone.clone(),
                purpose,
                seed: random::bytes(),
                created_at: tx.now(),
                expires_at: tx.now() + otp::TTL,
            };
            store::replace_challenge(&tx, &challenge).await?;
            if let Some(ip) = ip {
                store::lock_source(&tx, ip).await?;
            }
            let sends = store::recent_sends(&tx, phone, ip.as_deref()).await?;
            otp::check_sends(&sends, phone, ip.as_deref(), tx.now())?;
            store::record_send(&tx, phone, ip.as_deref()).await?;
            let is_last = spend::count(&tx, parts.sms_daily_limit).await?;
            tx.enqueue(jobs::send_otp(&challenge)?);
            Ok(is_last)
        };
        if parts.db.transact(send).await? {
            spend::tell(parts.sms_daily_limit);
        }
        Ok(())
    }
}

/// The address that sends are counted by.
pub(super) fn source(ip: IpAddr) -> String {
    match network(ip) {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("{ip}/64"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_is_one_source() {
        let cases = [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ];
        for (ip, expected) in cases {
            assert_eq!(source(ip.parse().unwrap()), expected);
        }
    }
}
