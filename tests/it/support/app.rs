//! A server of the test's own: on a free port, with its own database, a clock that only
//! the test moves, and jobs that run when the test says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use souk::app::{App, Overrides, Running, Working};
use souk::check;
use souk::clients::blob::FakeBlobs;
use souk::clients::mail::FakeMail;
use souk::clients::sms::FakeSms;
use souk::config::Config;
use souk::db::{Db, DbConfig};
use souk::kernel::{Clock, Time, random};
use souk::pb::souk::auth::v1::{RequestOtpRequest, VerifyOtpRequest, VerifyOtpResponse};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tonic::transport::{Channel, Endpoint};

use super::Client;
use super::database::TestDatabase;
use super::redis::shared_redis;

/// The one-time password of every phone.
pub const CODE: &str = "123456";
/// When every test begins: 20 January 2026, 10:00 in Algiers, a Tuesday.
pub const START: Time = Time::from_micros(1_768_899_600_000_000);

/// A running server and everything behind it.
pub struct TestApp {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    /// The server's clock.
    pub clock: Clock,
    /// The database behind the server, for assertions.
    pub db: Db,
    /// The server itself.
    pub running: Running,
    /// Every text message that it sent.
    pub sms: FakeSms,
    /// Every mail that it sent.
    pub mail: FakeMail,
    /// The files that it keeps.
    pub blobs: FakeBlobs,
    pub(super) channel: Channel,
    pub(super) http: reqwest::Client,
    pub(super) every_row: OnceCell<(String, Vec<String>)>,
    pub(super) place: Place,
}

/// Where a server keeps what outlives it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) database: Arc<TestDatabase>,
    pub(super) data: Arc<TempDir>,
    pub(super) clock: Clock,
    pub(super) blobs: FakeBlobs,
    pub(super) next_phone: Arc<AtomicU32>,
    /// What the names of this installation begin with in Redis.
    pub(super) prefix: String,
}

impl TestApp {
    /// A server with the settings of development.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with some settings of its own.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::adjusted(settings, |_| {}).await
    }

    /// A server that keeps files in a folder, as it does by itself.
    pub async fn on_folder(settings: &[(&str, &str)]) -> Self {
        Self::adjusted(settings, |parts| parts.blobs = None).await
    }

    /// A server with some settings of its own, and other parts than tests usually have.
    pub async fn adjusted(settings: &[(&str, &str)], adjust: impl FnOnce(&mut Overrides)) -> Self {
        let place = Place {
            database: Arc::new(TestDatabase::create().await),
            data: Arc::new(tempfile::tempdir().unwrap()),
            clock: Clock::manual(START),
            blobs: FakeBlobs::default(),
            next_phone: Arc::default(),
            prefix: new_prefix(),
        };
        Self::launch(place, settings, adjust).await
    }

    /// Another server on the same database, with the same secrets and clock.
    pub async fn beside(&self) -> Self {
        Self::at(self.place.clone(), &[]).await
    }

    /// Another such server, with settings and parts of its own.
    pub async fn beside_with(
        &self,
        settings: &[(&str, &str)],
        adjust: impl FnOnce(&mut Overrides),
    ) -> Self {
        Self::launch(self.place.clone(), settings, adjust).await
    }

    /// A worker on the same database, with settings of its own. Its jobs rest, as those of
    /// the server do.
    pub async fn worker(&self, settings: &[(&str, &str)]) -> Working {
        let overrides = Overrides {
            clock: self.place.clock.clone(),
            blobs: Some(Arc::new(self.place.blobs.clone())),
            background: false,
            ..Overrides::default()
        };
        let config = config(&self.place, settings);
        App::work(config, overrides).await.unwrap()
    }

    pub(super) async fn at(place: Place, settings: &[(&str, &str)]) -> Self {
        Self::launch(place, settings, |_| {}).await
    }

    async fn launch(
        place: Place,
        settings: &[(&str, &str)],
        adjust: impl FnOnce(&mut Overrides),
    ) -> Self {
        let clock = place.clock.clone();
        let (sms, mail) = (FakeSms::default(), FakeMail::default());
        let mut overrides = Overrides {
            clock: clock.clone(),
            sms: Some(Arc::new(sms.clone())),
            mail: Some(Arc::new(mail.clone())),
            blobs: Some(Arc::new(place.blobs.clone())),
            background: false,
            ..Overrides::default()
        };
        adjust(&mut overrides);
        let config = config(&place, settings);
        let running = App::start(config, overrides).await.unwrap();
        let url = format!("http://{}", running.address);
        let channel = Endpoint::from_shared(url.clone())
            .unwrap()
            .connect()
            .await
            .unwrap();
        let db = Db::open(&DbConfig::new(&place.database.url), clock.clone())
            .await
            .unwrap();
        Self {
            url,
            clock,
            db,
            running,
            sms,
            mail,
            blobs: place.blobs.clone(),
            channel,
            http: reqwest::Client::new(),
            every_row: OnceCell::new(),
            place,
        }
    }

    /// Where the database is.
    pub fn database_url(&self) -> &str {
        &self.place.database.url
    }

    /// Somebody without a token.
    pub async fn guest(&self) -> Client {
        Client::guest(self.channel.clone())
    }

    /// A new customer.
    pub async fn customer(&self) -> Client {
        let number = self.place.next_phone.fetch_add(1, Ordering::Relaxed);
        self.sign_in(&format!("06610{number:05}")).await
    }

    /// An administrator.
    pub async fn admin(&self) -> Client {
        let customer = self.customer().await;
        let id = customer
            .user_id
            .parse::<souk::kernel::id::UserId>()
            .unwrap()
            .uuid();
        let promote = "UPDATE users SET role = 'ADMIN' WHERE id = $1";
        self.execute(promote, [id.into()]).await;
        // A new session, because the server remembers the role of the old one for a moment.
        self.sign_in(&customer.phone).await
    }

    /// The owner of a phone, signed in.
    pub async fn sign_in(&self, phone: &str) -> Client {
        let mut client = self.guest().await;
        let send = RequestOtpRequest {
            phone: phone.into(),
        };
        client.auth().request_otp(send).await.unwrap();
        let verify = VerifyOtpRequest {
            phone: phone.into(),
            otp: CODE.into(),
            ..Default::default()
        };
        let answer: VerifyOtpResponse =
            client.auth().verify_otp(verify).await.unwrap().into_inner();
        client.token = Some(answer.access_token);
        client.refresh_token = answer.refresh_token;
        client.user_id = answer.user.unwrap().id;
        client.phone = phone.into();
        client
    }

    /// The same person, at this server.
    pub fn recall(&self, person: &Client) -> Client {
        person.over(self.channel.clone())
    }

    /// Runs every job that is due.
    pub async fn run_jobs(&self) {
        self.running.app.jobs.run_due().await.unwrap();
    }

    /// Moves the server's clock.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Changes the database behind the server's back, to arrange what no call can.
    pub async fn execute(&self, sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) {
        let (db, values) = (&self.db, &values.into_iter().collect::<Vec<_>>());
        db.transact(|tx| async move {
            tx.conn()
                .execute_raw(tx.dialect().statement(sql, values.clone()))
                .await?;
            Ok(())
        })
        .await
        .unwrap();
    }

    /// The first column of the first row, a number.
    pub async fn number(&self, sql: &str) -> i64 {
        let row = self
            .db
            .read()
            .query_one_raw(self.db.dialect().statement(sql, []))
            .await;
        row.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    /// Fails when any invariant of the database is broken.
    pub async fn assert_sound(&self) {
        let report = check::run(&self.db, &*self.running.app.blobs)
            .await
            .unwrap();
        assert!(report.is_clean(), "{report}");
    }
}

/// A test may start many servers; those it is done with let go of their connections.
impl Drop for TestApp {
    fn drop(&mut self) {
        let (app, db) = (self.running.app.clone(), self.db.clone());
        tokio::spawn(async move {
            app.close().await;
            db.close().await;
        });
    }
}

/// A prefix that nobody else has: what others left in Redis is not there.
pub(super) fn new_prefix() -> String {
    format!("souk-test-{}:", random::code(16))
}

fn config(place: &Place, settings: &[(&str, &str)]) -> Config {
    let data = place.data.path().display().to_string();
    let redis = shared_redis();
    let redis = redis.as_deref().map(|url| ("REDIS_URL", url));
    let mut env: BTreeMap<String, String> = [
        ("SOUK_DATA", data.as_str()),
        ("DATABASE_URL", &place.database.url),
        ("REDIS_PREFIX", &place.prefix),
        ("PORT", "0"),
        ("OTP_DEV_CODE", CODE),
        ("MAX_CONNECTIONS_PER_IP", "10000"),
    ]
    .into_iter()
    .chain(redis)
    .chain(RATES)
    .chain(settings.iter().copied())
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    env.entry("DATABASE_MAX_CONNECTIONS".to_owned())
        .or_insert_with(|| "8".to_owned());
    Config::load(env, None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Limits that no test meets by chance; tests of limits set their own.
const RATES: [(&str, &str); 13] = [
    ("RATE_READ", "1000000/60s"),
    ("RATE_WRITE", "1000000/60s"),
    ("RATE_OTP", "1000000/60s"),
    ("RATE_LOGIN", "1000000/60s"),
    ("RATE_CHECKOUT", "1000000/60s"),
    ("RATE_STREAM", "1000000/60s"),
    ("RATE_WEBHOOK_CALLS", "1000000/60s"),
    ("RATE_ADMIN_CALLS", "1000000/60s"),
    ("RATE_LIKE", "1000000/60s"),
    ("RATE_COMMENT", "1000000/60s"),
    ("RATE_VIEW", "1000000/60s"),
    ("RATE_UPLOAD", "1000000/60s"),
    ("RATE_BID", "1000000/60s"),
];
