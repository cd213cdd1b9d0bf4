//! Tokens that are used twice, and sessions that end: the thief is out, in every process
//! within seconds, and so are the streams.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::json;

use super::SETTINGS;
use super::rig::{Souk, pause};
use super::web::{Pair, Web};

/// How long an ended session may work in another process.
const SOON: Duration = Duration::from_secs(5);

/// The process that is called, and the one that must follow: a second process on
/// PostgreSQL, which SQLite does not have.
pub struct Site {
    souk: Souk,
    twin: Option<Souk>,
    pub here: Web,
    pub there: Web,
}

impl Site {
    async fn open(label: &str) -> Self {
        Self::of(Souk::install(label).await.with(SETTINGS)).await
    }

    pub async fn of(mut souk: Souk) -> Self {
        souk.start().await;
        let mut twin = souk.database.is_postgres().then(|| souk.twin());
        if let Some(twin) = &mut twin {
            twin.start().await;
        }
        Self {
            here: Web::of(&souk),
            there: Web::of(twin.as_ref().unwrap_or(&souk)),
            souk,
            twin,
        }
    }

    pub async fn close(mut self) {
        self.souk.check();
        if let Some(twin) = &mut self.twin {
            twin.kill();
        }
        self.souk.remove().await;
    }

    /// The token and the stream end elsewhere, soon.
    async fn assert_out(&self, access: &str, stream: reqwest::Response, why: &str) {
        assert!(!self.here.knows(access).await, "{why}: works here");
        let began = Instant::now();
        let read_on = stream.bytes_stream().for_each(|_| async {});
        let ended = tokio::time::timeout(SOON, read_on).await;
        assert!(ended.is_ok(), "{why}: the stream goes on");
        while self.there.knows(access).await {
            assert!(began.elapsed() < SOON, "{why}: works elsewhere");
            pause(Duration::from_millis(50)).await;
        }
    }

    /// The token is known in both processes, and has a stream in the other one.
    async fn settle(&self, pair: &Pair) -> reqwest::Response {
        assert!(self.here.knows(&pair.access).await);
        assert!(self.there.knows(&pair.access).await);
        self.there.stream(&pair.access, "/api/stream/orders").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_comes_twice_ends_its_session_everywhere() {
    let site = Site::open("reuse").await;
    site.assert_reuse_ends("0550000001").await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_a_session_ends_it_everywhere() {
    let site = Site::open("endings").await;
    site.assert_endings("05500001").await;
    site.close().await;
}

impl Site {
    /// A refresh token that is used again ends its session, and nothing before does.
    pub async fn assert_reuse_ends(&self, phone: &str) {
        let site = self;
        let pair = site.here.sign_in(phone).await;
        let stream = site.settle(&pair).await;
        // Fifty at once, half of them elsewhere: one chain, one answer.
        let asks = (0..50).map(|number| {
            let web = if number % 2 == 0 {
                &site.here
            } else {
                &site.there
            };
            web.refresh(&pair.refresh)
        });
        let answers = join_all(asks).await;
        let next = answers[0].text("/refreshToken");
        for answer in &answers {
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.text("/refreshToken"), next);
        }
        let third = site.there.refresh(&next).await;
        assert_eq!(third.status, 200);
        // The first one again, although its successor was used: a thief.
        let reused = site.here.refresh(&pair.refresh).await;
        assert_eq!((reused.status, reused.code()), (401, "REFRESH_REUSED"));
        site.assert_out(&pair.access, stream, "reuse").await;
        let innocent = site.there.refresh(&third.text("/refreshToken")).await;
        assert_eq!((innocent.status, innocent.code()), (401, "SESSION_REVOKED"));
    }

    /// Logout, logout everywhere and a new password, of phones that begin so.
    pub async fn assert_endings(&self, phones: &str) {
        let site = self;
        let endings = [
            ("logout", "/api/auth/logout", json!({})),
            ("logout everywhere", "/api/auth/logout-all", json!({})),
        ];
        for (number, (why, path, body)) in endings.into_iter().enumerate() {
            let pair = site.here.sign_in(&format!("{phones}{number:02}")).await;
            let stream = site.settle(&pair).await;
            let ended = site.here.send_as(&pair.access, path, body).await;
            assert_eq!(ended.status, 200, "{why}: {}", ended.body);
            site.assert_out(&pair.access, stream, why).await;
            let late = site.there.refresh(&pair.refresh).await;
            assert_eq!(
                (late.status, late.code()),
                (401, "SESSION_REVOKED"),
                "{why}"
            );
        }
        let thief = site.here.sign_in(&format!("{phones}19")).await;
        let stream = site.settle(&thief).await;
        let owner = site.here.sign_in(&format!("{phones}19")).await;
        let password = json!({"newPassword": "rain on the tin roof"});
        let path = "/api/auth/password/change";
        let changed = site.here.send_as(&owner.access, path, password).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(changed.body["ended"], 1);
        site.assert_out(&thief.access, stream, "a new password")
            .await;
        assert!(site.there.knows(&owner.access).await);
    }
}
