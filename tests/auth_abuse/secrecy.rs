//! What the server knows does not show: neither in words, nor in bytes, nor in time.

use std::time::Duration;

use serde_json::{Value, json};

use super::SETTINGS;
use super::rig::{Dice, Souk, setting};
use super::web::{Answer, Web};

/// Answers of each kind that are timed, unless SOUK_TIMINGS says otherwise.
const TIMINGS: usize = 200;
/// How far the middle times of known and unknown may lie apart.
const APART_MAX: f64 = 0.05;
/// The chance of a difference below which it is believed.
const CHANCE: f64 = 0.001;
/// Known accounts; few enough to be made quickly, many enough for the limits of each.
const KNOWN: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn the_known_and_the_unknown_are_answered_alike() {
    let mut souk = Souk::install("secrecy").await.with(SETTINGS);
    souk.start().await;
    let web = &Web::of(&souk);
    for number in 0..KNOWN {
        let account = json!({"email": known(number), "password": PASSWORD});
        let made = web.send("/auth/register", account).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let timings = setting("SOUK_TIMINGS", TIMINGS);
    let login = |email: String| json!({"email": email, "password": "wrong for everybody"});
    let reset = |email: String| json!({"email": email});
    let kinds: [(&str, &dyn Fn(String) -> Value); 2] = [
        ("/auth/login", &login),
        ("/api/auth/password/forgot", &reset),
    ];
    for (path, body) in kinds {
        // Three mails an hour go to one address, and the welcome was one.
        let rounds = match path {
            "/auth/login" => timings,
            _ => KNOWN * 2,
        };
        let mut compared = Compared::new(path);
        for round in 0..rounds {
            let ask = async |email: String| web.send(path, body(email)).await;
            compared
                .pair(
                    async || ask(known(round % KNOWN)).await,
                    async || ask(unknown(round % KNOWN)).await,
                )
                .await;
        }
        compared.judge();
    }
    let mut compared = Compared::new("/otp/send");
    for number in 0..timings {
        let phone = format!("05510{number:05}");
        let stranger = json!({"phone": format!("05520{number:05}")});
        // Two sends to each phone: at the second one the first phone has an account.
        web.sign_in(&phone).await;
        web.send("/otp/send", stranger.clone()).await;
        compared
            .pair(
                async || web.send("/otp/send", json!({"phone": phone})).await,
                async || web.send("/otp/send", stranger.clone()).await,
            )
            .await;
    }
    compared.judge();
    souk.check();
    souk.remove().await;
}

const PASSWORD: &str = "rain on the tin roof";

fn known(number: usize) -> String {
    format!("known-{number}@example.dz")
}

fn unknown(number: usize) -> String {
    format!("nobody-{number}@example.dz")
}

/// Answers for what is known and what is not, taken in turns.
struct Compared {
    path: &'static str,
    dice: Dice,
    known: Vec<Duration>,
    unknown: Vec<Duration>,
}

impl Compared {
    fn new(path: &'static str) -> Self {
        Self {
            path,
            dice: Dice::roll(),
            known: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Asks for both in an order that is drawn by lot, so that what a call leaves to be done
    /// slows the later ones of both kinds alike. The answers must be equal to the byte.
    async fn pair(&mut self, known: impl AsyncFn() -> Answer, unknown: impl AsyncFn() -> Answer) {
        let (known, unknown) = if self.dice.chance(50) {
            let known = known().await;
            (known, unknown().await)
        } else {
            let unknown = unknown().await;
            (known().await, unknown)
        };
        let path = self.path;
        assert_eq!(known.without_ids(), unknown.without_ids(), "{path}");
        self.known.push(known.took);
        self.unknown.push(unknown.took);
    }

    /// A difference of the middle times counts when it is large, and not to be had by
    /// chance: a machine that is busy with something else is no leak.
    fn judge(mut self) {
        let p = mann_whitney(&self.known, &self.unknown);
        let (known, unknown) = (middle(&mut self.known), middle(&mut self.unknown));
        let apart = known.as_secs_f64() / unknown.as_secs_f64() - 1.0;
        println!(
            "{}: known {known:?}, unknown {unknown:?}, apart {:.1} %, p {p:.3}",
            self.path,
            apart * 100.0
        );
        let tells = apart.abs() >= APART_MAX && p <= CHANCE;
        assert!(!tells, "{}: time tells", self.path);
    }
}

fn middle(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The two-sided p of the rank-sum test by Mann and Whitney, by its normal
/// approximation, which is good from about 20 values on.
fn mann_whitney(left: &[Duration], right: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> = left.iter().map(|time| (*time, true)).collect();
    all.extend(right.iter().map(|time| (*time, false)));
    all.sort_unstable();
    let ranks = (1..).zip(&all).filter(|(_, (_, is_left))| *is_left);
    let sum: f64 = ranks.map(|(rank, _)| f64::from(rank)).sum();
    let (n, m) = (left.len() as f64, right.len() as f64);
    let u = sum - n * (n + 1.0) / 2.0;
    let z = (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    // The tail of the normal distribution (Abramowitz and Stegun, 26.2.17).
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = t
        * (0.319_381_53
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    2.0 * density * series
}

#[test]
fn the_rank_sum_test_knows_same_from_other() {
    let times = |offset: u64| -> Vec<Duration> {
        let spread = |number: u64| Duration::from_micros(offset + number * 7_919 % 1_000);
        (0..200).map(spread).collect()
    };
    assert!(mann_whitney(&times(0), &times(0)) > 0.9);
    assert!(mann_whitney(&times(0), &times(300)) < 0.001);
}
