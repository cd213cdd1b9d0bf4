//! Shapes that every service maps: times.

use crate::kernel::Time;
use crate::pb::Timestamp;

/// A time on the wire.
pub fn time_to_pb(time: Time) -> Timestamp {
    Timestamp::from_micros(time.micros())
}

/// A time from the wire; nothing where it is not one.
pub fn time_from_pb(time: &Timestamp) -> Option<Time> {
    time.micros().map(Time::from_micros)
}
