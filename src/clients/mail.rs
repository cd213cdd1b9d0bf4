//! Mail.

mod file;
mod message;
mod smtp;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::kernel::Result;

pub use file::FileMail;
pub use smtp::{Encryption, SmtpAccount, SmtpMail};

/// A mail, as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Whose address it goes to.
    pub to: String,
    /// The subject: one line.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// Sends mail.
#[async_trait]
pub trait Mail: Send + Sync {
    /// Hands a letter to the provider.
    ///
    /// # Errors
    /// UNAVAILABLE when the provider does not take it; the caller may try again. An error
    /// for good when it will never take it.
    async fn send(&self, letter: &Letter) -> Result<()>;
}

/// For tests: keeps what was sent.
#[derive(Debug, Clone, Default)]
pub struct FakeMail(Arc<Mutex<Vec<Letter>>>);

impl FakeMail {
    /// Everything sent so far, the oldest first.
    pub fn sent(&self) -> Vec<Letter> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Mail for FakeMail {
    async fn send(&self, letter: &Letter) -> Result<()> {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(letter.clone());
        Ok(())
    }
}
