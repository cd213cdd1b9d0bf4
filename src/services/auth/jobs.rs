//! What the sign-in does later: sending one-time passwords, and sweeping up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::Challenge;
use super::{Auth, attempts, clerk, mail, otp, session, store};
use crate::db::{NewJob, Tx};
use crate::jobs::{Registry, Run};
use crate::kernel::{Error, Result};

/// The queue of text messages.
const QUEUE: &str = "sms";
const SEND_OTP: &str = "auth.send-otp";
const SWEEP: &str = "auth.sweep";
const HOUR: Duration = Duration::from_secs(60 * 60);
/// How long ended sessions are kept for their owners' questions.
const SESSIONS_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Rows that one sweeping transaction touches.
const BATCH: u64 = 500;

/// Neither the password nor the phone: whoever lists jobs learns nothing.
#[derive(Serialize, Deserialize)]
struct SendOtp {
    challenge: uuid::Uuid,
}

/// The job that sends the password of a challenge.
pub(super) fn send_otp(challenge: &Challenge) -> Result<NewJob> {
    let payload = serde_json::to_string(&SendOtp {
        challenge: challenge.id,
    });
    let payload = payload.map_err(Error::internal)?;
    Ok(NewJob::new(QUEUE, SEND_OTP, payload))
}

/// Registers the jobs of the sign-in.
#[must_use]
pub fn register(registry: Registry, auth: &Auth) -> Registry {
    let (sender, mailer) = (auth.clone(), auth.clone());
    let (sweeper, pusher) = (auth.clone(), auth.clone());
    registry
        .register(SEND_OTP, move |run: Run| {
            let auth = sender.clone();
            async move { auth.send(&run.payload).await }
        })
        .register(mail::SEND_LINK, move |run: Run| {
            let auth = mailer.clone();
            async move { auth.send_link(&run.payload).await }
        })
        .register(SWEEP, move |_run| {
            let auth = sweeper.clone();
            async move { auth.sweep().await }
        })
        .every(SWEEP, HOUR, "maintenance", SWEEP)
        .register(clerk::PUSH_ROLE, move |run: Run| {
            let auth = pusher.clone();
            async move { auth.push(&run.payload).await }
        })
}

impl Auth {
    /// Sends the password of a challenge that can still be met. One that was replaced,
    /// used or has expired meanwhile costs no message.
    async fn send(&self, payload: &str) -> Result<()> {
        let SendOtp { challenge } = serde_json::from_str(payload).map_err(Error::internal)?;
        let challenge = store::find_challenge(&self.0.db, challenge).await?;
        let (Some(challenge), Some(sms)) = (challenge, &self.0.outside.sms) else {
            return Ok(());
        };
        let code = self
            .0
            .codes
            .code(challenge.purpose, &challenge.phone, &challenge.seed);
        sms.send(&challenge.phone, &challenge.purpose.text(&code))
            .await?;
        self.count_sent();
        Ok(())
    }

    /// Ends sessions whose time is up, and removes what nobody needs any more.
    async fn sweep(&self) -> Result<()> {
        let db = &self.0.db;
        loop {
            let ended = db
                .transact(|tx: Tx| async move { end_expired(&tx).await })
                .await?;
            if ended < BATCH {
                break;
            }
        }
        loop {
            let purge = |tx: Tx| async move {
                let (ended, sent) = (tx.now() - SESSIONS_KEPT, tx.now() - otp::SENDS_KEPT);
                let failed = tx.now() - attempts::KEPT;
                let more_windows = store::purge_windows(&tx, BATCH).await?;
                Ok(store::purge(&tx, ended, sent, failed, BATCH).await? || more_windows)
            };
            if !db.transact(purge).await? {
                return Ok(());
            }
        }
    }
}

async fn end_expired(tx: &Tx) -> Result<u64> {
    let ended = store::end_expired(tx, BATCH).await?;
    for (user, id) in &ended {
        session::emit_ended(tx, *user, *id);
    }
    u64::try_from(ended.len()).map_err(Error::internal)
}
