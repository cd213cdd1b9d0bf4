//! The Timestamp of the contract: UTC, to the microsecond, whose JSON form is the
//! canonical one (`2026-11-20T17:36:44.410088Z`).

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_MICRO: i32 = 1_000;

/// `google.protobuf.Timestamp` on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since the Unix epoch; negative before it.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The fraction of the second in nanoseconds, counting forward: 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl prost::Name for Timestamp {
    const NAME: &'static str = "Timestamp";
    const PACKAGE: &'static str = "google.protobuf";
}

impl Timestamp {
    /// The time that lies `micros` microseconds after the Unix epoch.
    pub fn from_micros(micros: i64) -> Self {
        let fraction = micros.rem_euclid(MICROS_PER_SECOND);
        Self {
            seconds: micros.div_euclid(MICROS_PER_SECOND),
            // The fraction is below a million, so it fits.
            nanos: i32::try_from(fraction).unwrap_or_default() * NANOS_PER_MICRO,
        }
    }

    /// Microseconds since the Unix epoch, rounded down, or `None` where they do not
    /// fit or the fraction is not one.
    pub fn micros(&self) -> Option<i64> {
        if !(0..1_000_000_000).contains(&self.nanos) {
            return None;
        }
        self.seconds
            .checked_mul(MICROS_PER_SECOND)?
            .checked_add(i64::from(self.nanos / NANOS_PER_MICRO))
    }

    /// The calendar form, or `None` outside the years that JSON can write (1 to 9999).
    fn calendar(&self) -> Option<DateTime<Utc>> {
        const YEAR_1: i64 = -62_135_596_800;
        const YEAR_10000: i64 = 253_402_300_800;
        if !(YEAR_1..YEAR_10000).contains(&self.seconds) {
            return None;
        }
        DateTime::from_timestamp_micros(self.micros()?)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.calendar().ok_or(fmt::Error)?;
        let micros = time.timestamp_subsec_micros();
        // The canonical mapping writes no, three or six digits.
        let digits = match micros {
            0 => SecondsFormat::Secs,
            _ if micros % 1_000 == 0 => SecondsFormat::Millis,
            _ => SecondsFormat::Micros,
        };
        f.write_str(&time.to_rfc3339_opts(digits, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.calendar() {
            Some(_) => serializer.collect_str(self),
            None => Err(serde::ser::Error::custom(
                "a time outside the years 1 to 9999",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Rfc3339)
    }
}

struct Rfc3339;

impl Visitor<'_> for Rfc3339 {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time in RFC 3339 form, such as 2026-11-20T17:36:44Z")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        let time = DateTime::parse_from_rfc3339(text)
            .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))?;
        let time = Timestamp::from_micros(time.timestamp_micros());
        match time.calendar() {
            Some(_) => Ok(time),
            None => Err(E::custom("a time outside the years 1 to 9999")),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn parse(text: &str) -> Result<Timestamp, serde_json::Error> {
        serde_json::from_str(&format!("\"{text}\""))
    }

    #[test]
    fn json_ends_in_z_and_has_no_three_or_six_digits() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_500_000, "1970-01-01T00:00:01.500Z"),
            (1_000_001, "1970-01-01T00:00:01.000001Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_795_196_204_410_088, "2026-11-20T17:36:44.410088Z"),
        ] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(serde_json::to_string(&time).unwrap(), format!("\"{text}\""));
            assert_eq!(parse(text).unwrap(), time);
            assert_eq!(time.micros(), Some(micros));
        }
    }

    #[test]
    fn offsets_are_taken_and_nanoseconds_are_cut() {
        let time = parse("2026-11-20T18:36:44.410088999+01:00").unwrap();
        assert_eq!(time.micros(), Some(1_795_196_204_410_088));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-11-20",
            "2026-13-01T00:00:00Z",
            "12026-01-01T00:00:00Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let beyond = Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        };
        assert_eq!(beyond.micros(), None);
        assert!(serde_json::to_string(&beyond).is_err());
    }

    #[test]
    fn the_wire_form_is_that_of_google_protobuf_timestamp() {
        let time = Timestamp::from_micros(1_500_000);
        let google = pbjson_types::Timestamp {
            seconds: 1,
            nanos: 500_000_000,
        };
        assert_eq!(time.encode_to_vec(), google.encode_to_vec());
    }
}
