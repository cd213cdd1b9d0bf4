//! Shapes that several services map: times and addresses.

use crate::kernel::Time;
use crate::kernel::address::AddressParts;
use crate::pb::Timestamp;
use crate::pb::souk::common::v1 as pb;

/// A time on the wire.
pub fn time_to_pb(time: Time) -> Timestamp {
    Timestamp::from_micros(time.micros())
}

/// A time from the wire; nothing where it is not one.
pub fn time_from_pb(time: &Timestamp) -> Option<Time> {
    time.micros().map(Time::from_micros)
}

/// The parts of an address that a request carries.
pub fn address_from_pb(address: pb::Address) -> AddressParts {
    let pb::Address {
        street,
        line2,
        city,
        commune,
        state,
        wilaya,
        postal_code,
        country,
        latitude,
        longitude,
    } = address;
    AddressParts {
        street,
        line2,
        city,
        commune,
        state,
        wilaya,
        postal_code,
        country,
        latitude,
        longitude,
    }
}
