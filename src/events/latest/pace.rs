//! When streams tell what has changed: not more often than a reader can see, and not all
//! at once.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two messages of one stream.
pub(super) const PACE_LEAST: Duration = Duration::from_millis(250);
/// The longest, however many streams there are.
const PACE_MOST: Duration = Duration::from_millis(800);
/// How many messages a second all streams of a process get together, unless that would
/// make each wait for longer.
const MESSAGES: usize = 12_500;

/// The shortest time that keeps the messages of all streams together in bounds.
pub(super) fn pace(watchers: usize) -> Duration {
    let share = Duration::from_secs(1).saturating_mul(u32::try_from(watchers).unwrap_or(u32::MAX));
    Ord::clamp(share / MESSAGES as u32, PACE_LEAST, PACE_MOST)
}

/// The first turn at or after `now` of a stream that has one turn in each `pace`, its
/// `phase` (of 65,536) into it: turns of many streams lie apart, so that a change does not
/// send all of their messages at once.
pub(super) fn turn(born: Instant, now: Instant, pace: Duration, phase: u32) -> Instant {
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let (passed, period) = (micros(now.saturating_duration_since(born)), micros(pace));
    let offset = period.saturating_mul(u64::from(phase)) >> 16;
    let turns = passed.saturating_sub(offset).div_ceil(period.max(1));
    born + Duration::from_micros(offset.saturating_add(turns.saturating_mul(period)))
}
