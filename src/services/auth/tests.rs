mod refresh;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::Notify;

use super::session::{EndReason, Pair, Which};
use super::verify::SignIn;
use super::{Auth, EmailAccounts, Outside, SessionPolicy, Settings, register, session};
use crate::clients::sms::FakeSms;
use crate::db::testing::on_each;
use crate::db::{Conn, Db, Tx};
use crate::jobs::{Jobs, JobsConfig, Registry};
use crate::kernel::id::{SessionId, StoreId, UserId};
use crate::kernel::phone::Phone;
use crate::kernel::seal::Sealer;
use crate::kernel::{Call, Caller, Clock, Error, Reason, Result, Role, Secret, Time};
use crate::services::users::{self, NoPictures, Open, OpenOffers, OpenOrders, User};

const AMINA: &str = "0551234567";
const YACINE: &str = "0661234567";
const SESSION_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) fn clock() -> Clock {
    Clock::manual(Time::from_micros(1_800_000_000_000_000))
}

/// The sign-in with a phone network of its own.
struct Desk {
    auth: Auth,
    sms: FakeSms,
    jobs: Jobs,
}

pub(super) fn settings(session_policy: SessionPolicy) -> Settings {
    Settings {
        otp_secret: Secret::new(b"the secret of passwords".to_vec()),
        otp_dev_code: None,
        jwt_secret: Secret::new(b"the secret of tokens".to_vec()),
        signing_key: None,
        previous_keys: Vec::new(),
        issuer: "souk".to_owned(),
        audience: "souk".to_owned(),
        access_ttl: Duration::from_secs(900),
        session_ttl: SESSION_TTL,
        session_policy,
        sms_daily_limit: 2000,
        phone_country: None,
        accounts: EmailAccounts::default(),
    }
}

/// Nobody sells or buys.
struct Nothing;

#[async_trait]
impl OpenOrders for Nothing {
    async fn user_has_open_orders(&self, _: &Tx, _: UserId) -> Result<bool> {
        Ok(false)
    }

    async fn store_has_open_orders(&self, _: &Tx, _: StoreId) -> Result<bool> {
        Ok(false)
    }
}

#[async_trait]
impl OpenOffers for Nothing {
    async fn user_has_open_offers(&self, _: &Tx, _: UserId) -> Result<bool> {
        Ok(false)
    }

    async fn store_has_open_offers(&self, _: &Tx, _: StoreId) -> Result<bool> {
        Ok(false)
    }
}

/// Nothing is open of anybody.
pub(super) fn nothing_open() -> Open {
    Open {
        orders: Arc::new(Nothing),
        offers: Arc::new(Nothing),
    }
}

fn desk(db: &Db, policy: SessionPolicy) -> Desk {
    let (sms, sealer) = (FakeSms::default(), Sealer::new(Secret::new(vec![1; 32])));
    let outside = Outside {
        sms: Some(Arc::new(sms.clone())),
        ..Outside::default()
    };
    let auth = Auth::new(
        db.clone(),
        sealer,
        outside,
        nothing_open(),
        Arc::new(NoPictures),
        settings(policy),
    );
    db.set_observers(vec![auth.observer()]);
    let registry = register(Registry::new(), &auth);
    let jobs = Jobs::new(db.clone(), registry, JobsConfig::default());
    Desk { auth, sms, jobs }
}

fn from(ip: &str) -> Call {
    Call {
        caller: Caller::Anonymous,
        ip: Some(ip.parse::<IpAddr>().unwrap()),
        ..Call::system("/souk.auth.v1.AuthService/VerifyOtp")
    }
}

impl Desk {
    async fn request(&self, phone: &str) -> Result<()> {
        self.auth.request_otp(&from("203.0.113.7"), phone).await
    }

    /// Asks for a password and reads the message that brings it.
    async fn code(&self, phone: &str) -> String {
        self.request(phone).await.unwrap();
        self.jobs.run_due().await.unwrap();
        let (_, text) = self.sms.sent().pop().unwrap();
        text[..6].to_owned()
    }

    async fn verify(&self, phone: &str, otp: &str, role: Option<Role>) -> Result<(User, Pair)> {
        let wish = SignIn {
            phone: phone.to_owned(),
            otp: otp.to_owned(),
            role,
            device: None,
        };
        self.auth.verify_otp(&from("203.0.113.7"), &wish).await
    }

    async fn sign_in(&self, phone: &str) -> (User, Pair) {
        let code = self.code(phone).await;
        self.verify(phone, &code, None).await.unwrap()
    }

    async fn refresh(&self, token: &str) -> Result<Pair> {
        self.auth.refresh(token.to_owned()).await
    }

    async fn reason_for(&self, access: &str) -> Option<Reason> {
        let caller = self.auth.authenticate(access).await;
        caller.err().map(|error| error.reason())
    }
}

fn reason<T>(outcome: Result<T>) -> Option<Reason> {
    outcome.err().map(|error: Error| error.reason())
}

/// A wrong password of the right form.
fn wrong(code: &str) -> String {
    let first = if code.starts_with('0') { '1' } else { '0' };
    format!("{first}{}", &code[1..])
}

async fn number(db: &Db, sql: &str) -> i64 {
    let row = db
        .read()
        .query_one_raw(db.dialect().statement(sql, []))
        .await;
    row.unwrap().unwrap().try_get_by_index(0).unwrap()
}

const ACTIVE: &str = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";
const WORKING_TOKENS: &str =
    "SELECT count(*) FROM refresh_tokens WHERE consumed_at IS NULL AND revoked_at IS NULL";

#[tokio::test]
async fn a_password_signs_in_once_and_makes_the_account() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let code = desk.code(AMINA).await;
        let (user, pair) = desk
            .verify("+213 551 23 45 67", &code, Some(Role::StoreOwner))
            .await
            .unwrap();
        assert_eq!(user.phone.as_deref(), Some("+213551234567"));
        assert_eq!((user.role(), pair.expires_in), (Role::StoreOwner, 900));
        let caller = desk.auth.authenticate(&pair.access).await.unwrap();
        assert_eq!(caller.user_id(), Some(user.user_id()));
        let again = desk.verify(AMINA, &code, None).await;
        assert_eq!(reason(again), Some(Reason::OtpInvalidOrExpired));
        // An existing account keeps its role.
        let code = desk.code(AMINA).await;
        let (same, _) = desk
            .verify(AMINA, &code, Some(Role::Customer))
            .await
            .unwrap();
        assert_eq!((same.id, same.role()), (user.id, Role::StoreOwner));
    })
    .await;
}

#[tokio::test]
async fn an_old_password_and_an_expired_one_are_refused_alike() {
    let clock = clock();
    on_each(clock.clone(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let old = desk.code(AMINA).await;
        let new = desk.code(AMINA).await;
        if old != new {
            let refused = desk.verify(AMINA, &old, None).await;
            assert_eq!(reason(refused), Some(Reason::OtpInvalidOrExpired));
        }
        clock.advance(Duration::from_secs(120));
        let late = desk.verify(AMINA, &new, None).await.unwrap_err();
        let unknown = desk.verify(YACINE, "123456", None).await.unwrap_err();
        assert_eq!(late.reason(), Reason::OtpInvalidOrExpired);
        assert_eq!(late.to_string(), unknown.to_string());
        assert_eq!(number(&db, "SELECT count(*) FROM users").await, 0);
    })
    .await;
}

#[tokio::test]
async fn nobody_becomes_administrator_by_signing_in() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let code = desk.code(AMINA).await;
        let refused = desk.verify(AMINA, &code, Some(Role::Admin)).await;
        assert_eq!(reason(refused), Some(Reason::RoleNotAllowed));
        assert_eq!(number(&db, "SELECT count(*) FROM users").await, 0);
        // A wrong password is told first: the refusal is for the phone's owner alone.
        let guess = desk.verify(AMINA, &wrong(&code), Some(Role::Admin)).await;
        assert_eq!(reason(guess), Some(Reason::OtpInvalidOrExpired));
        assert!(desk.verify(AMINA, &code, None).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_hundred_guesses_at_once_have_five_tries_together() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let code = desk.code(AMINA).await;
        let bad = wrong(&code);
        let guesses = join_all((0..100).map(|_| desk.verify(AMINA, &bad, None))).await;
        for guess in guesses {
            assert_eq!(reason(guess), Some(Reason::OtpInvalidOrExpired));
        }
        let tries = "SELECT CAST(attempts AS BIGINT) FROM otp_challenges";
        assert_eq!(number(&db, tries).await, 5);
        let right = desk.verify(AMINA, &code, None).await;
        assert_eq!(reason(right), Some(Reason::OtpInvalidOrExpired));
        // A new password has new tries.
        desk.sign_in(AMINA).await;
    })
    .await;
}

#[tokio::test]
async fn the_right_password_many_times_at_once_signs_in_once() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let code = desk.code(AMINA).await;
        let all = join_all((0..50).map(|_| desk.verify(AMINA, &code, None))).await;
        assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(number(&db, "SELECT count(*) FROM sessions").await, 1);
    })
    .await;
}

#[tokio::test]
async fn of_twenty_wishes_at_once_five_are_sent() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let wishes = join_all((0..20).map(|_| desk.request(AMINA))).await;
        let refused: Vec<&Error> = wishes
            .iter()
            .filter_map(|wish| wish.as_ref().err())
            .collect();
        assert_eq!(refused.len(), 15);
        for error in refused {
            assert_eq!(error.reason(), Reason::OtpRateLimited);
            assert!(error.retry_delay().is_some());
        }
        assert_eq!(number(&db, "SELECT count(*) FROM otp_sends").await, 5);
        // The jobs of replaced passwords send nothing.
        desk.jobs.run_due().await.unwrap();
        assert_eq!(desk.sms.sent().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn one_address_cannot_harvest_phones() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let phones: Vec<String> = (0..40).map(|n| format!("+2135500000{n:02}")).collect();
        let wishes = join_all(phones.iter().map(|phone| desk.request(phone))).await;
        assert_eq!(wishes.iter().filter(|wish| wish.is_ok()).count(), 30);
        let elsewhere = from("203.0.113.8");
        let wish = desk.auth.request_otp(&elsewhere, &phones[39]).await;
        assert!(wish.is_ok());
    })
    .await;
}

#[tokio::test]
async fn without_a_way_to_send_none_is_asked_for() {
    on_each(clock(), async |db: Db| {
        let sealer = Sealer::new(Secret::new(vec![1; 32]));
        let settings = settings(SessionPolicy::Single);
        let outside = Outside::default();
        let (open, pictures) = (nothing_open(), Arc::new(NoPictures));
        let mute = Auth::new(db.clone(), sealer, outside, open, pictures, settings);
        let refused = mute.request_otp(&from("203.0.113.7"), AMINA).await;
        assert_eq!(reason(refused), Some(Reason::Unavailable));
    })
    .await;
}

#[tokio::test]
async fn a_second_sign_in_ends_the_first_session_at_once() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let (_, first) = desk.sign_in(AMINA).await;
        assert_eq!(desk.reason_for(&first.access).await, None);
        let (_, second) = desk.sign_in(AMINA).await;
        assert_eq!(
            desk.reason_for(&first.access).await,
            Some(Reason::SessionRevoked)
        );
        assert_eq!(desk.reason_for(&second.access).await, None);
        let refused = desk.refresh(first.refresh.expose()).await;
        assert_eq!(reason(refused), Some(Reason::SessionRevoked));
        assert_eq!(number(&db, ACTIVE).await, 1);
        assert_eq!(number(&db, WORKING_TOKENS).await, 1);
        let ended = "SELECT count(*) FROM events WHERE kind = 'session.ended'";
        assert_eq!(number(&db, ended).await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_multi_policy_keeps_every_session() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Multi);
        let (_, first) = desk.sign_in(AMINA).await;
        let (_, second) = desk.sign_in(AMINA).await;
        assert_eq!(desk.reason_for(&first.access).await, None);
        assert_eq!(desk.reason_for(&second.access).await, None);
        assert_eq!(number(&db, ACTIVE).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_look_that_was_under_way_does_not_outlive_the_session() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let (user, pair) = desk.sign_in(AMINA).await;
        // Many callers keep looking while the session ends in their midst.
        let done = Notify::new();
        let looking = async {
            let mut looks = 0;
            loop {
                tokio::select! {
                    biased;
                    () = done.notified() => return looks,
                    _ = desk.auth.authenticate(&pair.access) => looks += 1,
                }
                tokio::task::yield_now().await;
            }
        };
        let ending = async {
            let id = user.user_id();
            let end =
                |tx: Tx| async move { session::end(&tx, Which::Of(id), EndReason::Logout).await };
            let ended = db.transact(end).await.unwrap();
            let refused = desk.reason_for(&pair.access).await;
            done.notify_one();
            (ended, refused)
        };
        let (_, (ended, refused)) = tokio::join!(looking, ending);
        assert_eq!((ended, refused), (1, Some(Reason::SessionRevoked)));
    })
    .await;
}

#[tokio::test]
async fn a_new_role_counts_with_the_next_call() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let (user, pair) = desk.sign_in(AMINA).await;
        let role = async || match desk.auth.authenticate(&pair.access).await.unwrap() {
            Caller::User { role, .. } => role,
            Caller::Anonymous | Caller::System => panic!("not a user"),
        };
        assert_eq!(role().await, Role::Customer);
        let id = user.user_id();
        db.transact(|tx| async move { users::promote_to_store_owner(&tx, id).await })
            .await
            .unwrap();
        assert_eq!(role().await, Role::StoreOwner);
    })
    .await;
}

#[tokio::test]
async fn a_session_of_another_user_cannot_be_ended() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let (_, amina) = desk.sign_in(AMINA).await;
        let (yacine, _) = desk.sign_in(YACINE).await;
        let Caller::User { session, .. } = desk.auth.authenticate(&amina.access).await.unwrap()
        else {
            panic!("not a user");
        };
        let which = Which::One(UserId::from(yacine.id), SessionId::from(session.uuid()));
        let end = |tx: Tx| async move { session::end(&tx, which, EndReason::Revoked).await };
        assert_eq!(db.transact(end).await.unwrap(), 0);
        assert_eq!(desk.reason_for(&amina.access).await, None);
    })
    .await;
}

#[tokio::test]
async fn sweeping_ends_what_expired_and_forgets_what_is_old() {
    let clock = clock();
    on_each(clock.clone(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        desk.sign_in(AMINA).await;
        clock.advance(SESSION_TTL);
        desk.jobs.run_due().await.unwrap();
        let expired = "SELECT count(*) FROM sessions WHERE end_reason = 'EXPIRED'";
        assert_eq!(number(&db, expired).await, 1);
        assert_eq!(number(&db, WORKING_TOKENS).await, 0);
        for table in ["otp_challenges", "otp_sends", "otp_sources"] {
            assert_eq!(
                number(&db, &format!("SELECT count(*) FROM {table}")).await,
                0
            );
        }
        clock.advance(Duration::from_secs(90 * 24 * 60 * 60 + 1));
        desk.jobs.run_due().await.unwrap();
        assert_eq!(number(&db, "SELECT count(*) FROM sessions").await, 0);
        assert_eq!(number(&db, "SELECT count(*) FROM refresh_tokens").await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_job_tells_neither_phone_nor_password() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        desk.request(AMINA).await.unwrap();
        let phone = Phone::parse(AMINA, None).unwrap();
        let telling = format!(
            "SELECT count(*) FROM jobs WHERE payload LIKE '%{}%' OR payload LIKE '%code%'",
            &phone.as_str()[1..]
        );
        assert_eq!(number(&db, &telling).await, 0);
    })
    .await;
}
