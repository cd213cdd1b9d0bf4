//! Text messages.

mod twilio;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::kernel::Result;
use crate::kernel::phone::Phone;

pub use twilio::{Sender, Twilio, TwilioAccount};

/// Sends text messages.
#[async_trait]
pub trait Sms: Send + Sync {
    /// Hands a text to the provider.
    ///
    /// # Errors
    /// UNAVAILABLE when the provider does not take it; the caller may try again. An error
    /// for good when it will never take it: no such number, a recipient who wants none.
    async fn send(&self, to: &Phone, text: &str) -> Result<()>;
}

/// For development: the text goes to the log instead of a phone.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogSms;

#[async_trait]
impl Sms for LogSms {
    async fn send(&self, to: &Phone, text: &str) -> Result<()> {
        tracing::info!(phone = %to, text, "text message, written to the log instead of sent");
        Ok(())
    }
}

/// For tests: keeps what was sent.
#[derive(Debug, Clone, Default)]
pub struct FakeSms(Arc<Mutex<Vec<(Phone, String)>>>);

impl FakeSms {
    /// Everything sent so far, the oldest first.
    pub fn sent(&self) -> Vec<(Phone, String)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Sms for FakeSms {
    async fn send(&self, to: &Phone, text: &str) -> Result<()> {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push((to.clone(), text.to_owned()));
        Ok(())
    }
}
