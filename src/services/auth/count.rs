//! Counting one-time passwords, for whoever watches over the marketplace.

use std::time::Duration;

use super::Auth;

/// How long the passing counts are kept after the last one.
const KEPT: Duration = Duration::from_secs(60 * 60);

impl Auth {
    /// A message with a password was taken by the provider.
    pub(super) fn count_sent(&self) {
        metrics::counter!("souk_otp_sent_total").increment(1);
        self.count("otp_sent");
    }

    /// Somebody brought the right password in time.
    pub(super) fn count_verified(&self) {
        metrics::counter!("souk_otp_verified_total").increment(1);
        self.count("otp_verified");
    }

    fn count(&self, name: &'static str) {
        if let Some(tally) = &self.0.outside.tally {
            tally.count(name, KEPT);
        }
    }
}
