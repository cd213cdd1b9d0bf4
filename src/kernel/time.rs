//! Instants in UTC with microsecond precision, and the clock that gives them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// An instant: microseconds since the Unix epoch, UTC. Both databases store exactly this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

impl Time {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The time that passed since `earlier`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl std::ops::Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

/// Where "now" comes from: the system, another clock that the system's is compared with,
/// or a test's hand.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    Followed(Arc<Followed>),
    Manual(Arc<AtomicI64>),
}

/// Another clock, carried on by the time that passes here, which nobody sets.
#[derive(Debug)]
struct Followed {
    since: Instant,
    /// The other clock at `since`, in microseconds.
    start: AtomicI64,
}

impl Followed {
    fn at(&self, instant: Instant) -> i64 {
        let passed = instant.saturating_duration_since(self.since);
        (Time(self.start.load(Ordering::SeqCst)) + passed).0
    }
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Time) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.micros()))))
    }

    /// A clock that follows another: it goes by the system's until [`Clock::compare`]
    /// tells it what the other one says. A manual clock follows none and stays as it is.
    #[must_use]
    pub fn following(&self) -> Self {
        match &self.0 {
            Source::Manual(_) => self.clone(),
            Source::System | Source::Followed(_) => Self(Source::Followed(Arc::new(Followed {
                since: Instant::now(),
                start: AtomicI64::new(system_now().0),
            }))),
        }
    }

    /// Whether this clock wants to be told what the other one says.
    pub const fn follows(&self) -> bool {
        matches!(self.0, Source::Followed(_))
    }

    /// Tells a clock that follows another what that one said, some time between the moments
    /// `asked` and `answered`. It is set right when that was outside of what it holds
    /// possible; then by how much is given, in microseconds, positive when it was slow.
    pub fn compare(&self, said: Time, asked: Instant, answered: Instant) -> Option<i64> {
        let Source::Followed(followed) = &self.0 else {
            return None;
        };
        let (earliest, latest) = (followed.at(asked), followed.at(answered));
        if (earliest..=latest).contains(&said.0) {
            return None;
        }
        let slow = said.0 - (earliest + (latest - earliest) / 2);
        followed.start.fetch_add(slow, Ordering::SeqCst);
        Some(slow)
    }

    /// The present instant.
    pub fn now(&self) -> Time {
        match &self.0 {
            Source::System => system_now(),
            Source::Followed(followed) => Time(followed.at(Instant::now())),
            Source::Manual(micros) => Time(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; others do not move.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(
                i64::try_from(span.as_micros()).unwrap_or(0),
                Ordering::SeqCst,
            );
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
fn system_now() -> Time {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Time::default() + since_epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    #[test]
    fn a_clock_that_follows_is_set_right_only_by_what_it_cannot_explain() {
        let clock = Clock::system().following();
        let Source::Followed(followed) = &clock.0 else {
            panic!("it follows");
        };
        let asked = followed.since;
        let answered = asked + STEP;
        let within = Time(followed.at(asked)) + STEP / 4;
        assert_eq!(clock.compare(within, asked, answered), None);

        let five_minutes = Duration::from_secs(300);
        let ahead = Time(followed.at(asked)) + STEP / 2 + five_minutes;
        assert_eq!(clock.compare(ahead, asked, answered), Some(300_000_000));
        assert_eq!(Time(followed.at(asked)) + STEP / 2, ahead);
        let behind = ahead - five_minutes;
        assert_eq!(clock.compare(behind, asked, answered), Some(-300_000_000));
    }

    #[test]
    fn a_manual_clock_follows_nobody() {
        let clock = Clock::manual(Time(7)).following();
        let now = Instant::now();
        assert_eq!(clock.compare(Time(9), now, now), None);
        assert_eq!(clock.now(), Time(7));
        assert!(!clock.follows());
    }
}
