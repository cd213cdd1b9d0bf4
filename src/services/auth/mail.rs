//! Mails that carry a link: the wish in the call, the address and the token in a job.
//!
//! No call looks up whether an address has an account before it answers: it writes the
//! wish down, and a job does the rest. So neither the answer nor its time can tell.

use serde::{Deserialize, Serialize};

use super::link::{self, Link, Purpose};
use super::{Auth, attempts, store};
use crate::clients::mail::Letter;
use crate::db::{NewJob, Tx};
use crate::kernel::id::UserId;
use crate::kernel::{Call, Error, Reason, Result, Time, random};
use crate::services::users::{self, User};

/// The queue of mails.
const QUEUE: &str = "mail";
/// The job that sends a link.
pub(super) const SEND_LINK: &str = "auth.send-link";
/// Mail servers are away for longer than phones are.
const TRIES: i32 = 8;

/// What a mail says beside its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// The first one to a new account.
    Welcome,
    /// Only what the link is for.
    Plain,
}

/// Neither the token nor the address: whoever lists jobs learns nothing.
#[derive(Serialize, Deserialize)]
struct SendLink {
    link: uuid::Uuid,
    kind: Kind,
}

/// Writes a wish for a mail down, within the limits.
///
/// # Errors
/// RATE_LIMIT_EXCEEDED.
pub(super) async fn issue(tx: &Tx, link: &Link, kind: Kind) -> Result<()> {
    store::links::lock(tx, link).await?;
    let (address, source) = store::links::tally(tx, link).await?;
    link::check_wishes(address, source, tx.now())?;
    store::links::insert(tx, link).await?;
    let payload = serde_json::to_string(&SendLink {
        link: link.id,
        kind,
    });
    tx.enqueue(NewJob {
        max_attempts: TRIES,
        ..NewJob::new(QUEUE, SEND_LINK, payload.map_err(Error::internal)?)
    });
    Ok(())
}

impl Auth {
    /// A link that nobody has yet, asked for now.
    pub(super) fn link(&self, call: &Call, purpose: Purpose, email: &str, now: Time) -> Link {
        Link {
            id: uuid::Uuid::from_bytes(random::bytes()),
            purpose,
            user: None,
            address: None,
            address_key: self.0.keys.of_email(email),
            source: attempts::source_of(call.ip),
            seed: random::bytes(),
            created_at: now,
            expires_at: now + purpose.ttl(),
        }
    }

    /// Refuses calls that need mail where there is none.
    ///
    /// # Errors
    /// UNAVAILABLE.
    pub(super) fn need_mail(&self) -> Result<()> {
        match self.0.outside.mail {
            Some(_) => Ok(()),
            None => Err(Error::new(
                Reason::Unavailable,
                "mail cannot be sent from here",
            )),
        }
    }

    /// Sends the mail of a link that still works, if its address has an account.
    pub(super) async fn send_link(&self, payload: &str) -> Result<()> {
        let SendLink { link, kind } = serde_json::from_str(payload).map_err(Error::internal)?;
        let Some(mail) = &self.0.outside.mail else {
            return Ok(());
        };
        let bind = |tx: Tx| async move { self.bind(&tx, link, kind).await };
        match self.0.db.transact(bind).await? {
            Some(letter) => mail.send(&letter).await,
            None => Ok(()),
        }
    }

    /// Looks up whose the address is, ties the link to the account, and writes the mail.
    async fn bind(&self, tx: &Tx, id: uuid::Uuid, kind: Kind) -> Result<Option<Letter>> {
        let Some(link) = store::links::find_by_id(tx, id).await? else {
            return Ok(None);
        };
        let owner = match (link.user, &link.address) {
            (Some(owner), _) => Some(owner),
            (None, Some(address)) => {
                let found = users::find_by_email(tx.conn(), address).await?;
                found.map(|user| user.user_id())
            }
            (None, None) => None,
        };
        // Held, so that an account that is being closed gets no link behind its back.
        let user = match owner {
            Some(owner) => users::lock_open(tx, owner).await?,
            None => None,
        };
        let Some((user, email)) = user.and_then(|user| self.receiver(&link, &user)) else {
            store::links::forget_address(tx, id).await?;
            return Ok(None);
        };
        let token = self.0.links.token(link.purpose, &email, &link.seed);
        store::links::bind(tx, id, user, link::hash(&token)).await?;
        let base = &self.0.accounts.client_url;
        let url = format!("{base}/{}?token={token}", link.purpose.page());
        Ok(Some(letter(link.purpose, kind, email, &url)))
    }

    /// The account and the address, if the mail may still go there.
    fn receiver(&self, link: &Link, user: &User) -> Option<(UserId, String)> {
        let email = user.email.clone()?;
        let is_asked_for = self.0.keys.of_email(&email) == link.address_key;
        let is_needed = link.purpose != Purpose::VerifyEmail || !user.email_verified;
        (user.is_active && is_asked_for && is_needed).then(|| (user.user_id(), email))
    }
}

fn letter(purpose: Purpose, kind: Kind, to: String, url: &str) -> Letter {
    let (subject, text) = match (purpose, kind) {
        (Purpose::ResetPassword, _) => (
            "Choose a new password for souk",
            format!(
                "Somebody, most likely you, wants a new password for your account at souk.\n\n\
                 Choose it here within an hour:\n{url}\n\n\
                 If it was not you, nothing has changed and you need not do anything.\n"
            ),
        ),
        (Purpose::VerifyEmail, Kind::Welcome) => (
            "Welcome to souk",
            format!(
                "Your account at souk is open.\n\n\
                 Confirm that this e-mail address is yours within a day:\n{url}\n\n\
                 If you did not open an account, leave this mail alone.\n"
            ),
        ),
        (Purpose::VerifyEmail, Kind::Plain) => (
            "Confirm your e-mail address for souk",
            format!(
                "Confirm within a day that this e-mail address is yours:\n{url}\n\n\
                 If you have no account at souk, leave this mail alone.\n"
            ),
        ),
    };
    Letter {
        to,
        subject: subject.to_owned(),
        text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::clients::mail::{FakeMail, Mail};
    use crate::db::testing::on_each;
    use crate::db::{Conn, Db};
    use crate::jobs::{Jobs, JobsConfig, Registry};
    use crate::kernel::seal::Sealer;
    use crate::kernel::{Clock, Secret};
    use crate::services::auth::register::Registration;
    use crate::services::auth::{Outside, SessionPolicy, register, tests};

    const EMAIL: &str = "amina@example.dz";
    const LINKS: &str = "SELECT count(*) FROM mail_links";

    fn desk(db: &Db, mail: Option<Arc<dyn Mail>>) -> (Auth, Jobs) {
        let outside = Outside {
            mail,
            ..Outside::default()
        };
        let sealer = Sealer::new(Secret::new(vec![1; 32]));
        let auth = Auth::new(
            db.clone(),
            sealer,
            outside,
            tests::nothing_open(),
            Arc::new(users::NoPictures),
            tests::settings(SessionPolicy::Single),
        );
        let jobs = Jobs::new(
            db.clone(),
            register(Registry::new(), &auth),
            JobsConfig::default(),
        );
        (auth, jobs)
    }

    async fn open(auth: &Auth) -> User {
        let wish = Registration {
            email: EMAIL.to_owned(),
            password: "rain on the tin roof".to_owned(),
            name: None,
            first_name: None,
            last_name: None,
            phone: None,
            role: None,
            device: None,
            bootstrap_token: None,
        };
        let call = Call::system("/souk.auth.v1.AuthService/Register");
        auth.register(&call, &wish).await.unwrap().0
    }

    async fn number(db: &Db, sql: &str) -> i64 {
        let statement = db.dialect().statement(sql, []);
        let row = db.read().query_one_raw(statement).await;
        row.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    #[tokio::test]
    async fn without_mail_accounts_open_but_links_are_refused() {
        on_each(tests::clock(), async |db: Db| {
            let (auth, _) = desk(&db, None);
            open(&auth).await;
            let call = Call::system("/souk.auth.v1.AuthService/RequestPasswordReset");
            let refused = auth.request_password_reset(&call, EMAIL).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::Unavailable);
            let refused = auth.request_email_verification(&call).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::Unavailable);
            assert_eq!(number(&db, LINKS).await, 0);
        })
        .await;
    }

    /// Takes no letter the first time.
    #[derive(Default)]
    struct Flaky {
        calls: AtomicUsize,
        after: FakeMail,
    }

    #[async_trait]
    impl Mail for Flaky {
        async fn send(&self, letter: &Letter) -> Result<()> {
            match self.calls.fetch_add(1, Ordering::SeqCst) {
                0 => Err(Error::new(Reason::Unavailable, "the mail server is away")),
                _ => self.after.send(letter).await,
            }
        }
    }

    #[tokio::test]
    async fn a_mail_that_was_not_taken_is_sent_again_with_a_token_that_works() {
        let clock: Clock = tests::clock();
        on_each(clock.clone(), async |db: Db| {
            let mail = Arc::new(Flaky::default());
            let (auth, jobs) = desk(&db, Some(mail.clone()));
            open(&auth).await;
            jobs.run_due().await.unwrap();
            assert!(mail.after.sent().is_empty());
            clock.advance(std::time::Duration::from_secs(10 * 60));
            jobs.run_due().await.unwrap();
            let letter = mail.after.sent().pop().unwrap();
            let (_, rest) = letter.text.split_once("?token=").unwrap();
            let token = rest.split_whitespace().next().unwrap();
            assert_eq!(auth.verify_email(token).await.unwrap(), EMAIL);
        })
        .await;
    }

    #[tokio::test]
    async fn an_account_that_closed_meanwhile_gets_no_link() {
        on_each(tests::clock(), async |db: Db| {
            let mail = FakeMail::default();
            let (auth, jobs) = desk(&db, Some(Arc::new(mail.clone())));
            open(&auth).await;
            let sql = "UPDATE users SET email = NULL, is_active = FALSE, deleted_at = 1";
            let close = |tx: Tx| async move {
                let statement = tx.dialect().statement(sql, []);
                tx.conn().execute_raw(statement).await?;
                Ok(())
            };
            db.transact(close).await.unwrap();
            jobs.run_due().await.unwrap();
            assert!(mail.sent().is_empty());
            let bound = "SELECT count(*) FROM mail_links WHERE token_hash IS NOT NULL";
            assert_eq!(number(&db, bound).await, 0);
        })
        .await;
    }
}
