//! Opening hours: weekly periods of local time, and what they mean at an instant. Pure.
//!
//! Local times become instants in one fixed way, so that touching periods touch on every
//! day: a time that the clock shows twice is its first showing, a time that the clock
//! skips is the first instant after the gap.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::kernel::{Error, Result, Time, Violation};

/// The zone of stores that name none.
pub const DEFAULT_ZONE: &str = "Africa/Algiers";

const MINUTES_PER_DAY: u16 = 24 * 60;
const MINUTES_PER_WEEK: u16 = 7 * MINUTES_PER_DAY;
/// Days looked at before today: an overnight period may have begun yesterday, and one more
/// for the distance between a zone's date and ours.
const DAYS_BACK: u64 = 2;
/// Days looked at in all: a period that a clock change swallows comes back a week later.
const DAYS: u64 = DAYS_BACK + 16;

/// A span of time in which a store is open, every week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The day on which it begins.
    pub day: Weekday,
    /// Minutes after midnight, local time.
    pub open: u16,
    /// Minutes after midnight, local time; not after `open` means on the next day.
    pub close: u16,
}

impl Period {
    const fn crosses_midnight(&self) -> bool {
        self.close <= self.open
    }

    /// Begin and end in minutes since Monday's midnight; the end may lie in the next week.
    fn in_week(&self) -> (u16, u16) {
        let midnight =
            u16::try_from(self.day.num_days_from_monday()).unwrap_or(0) * MINUTES_PER_DAY;
        let next_day = u16::from(self.crosses_midnight()) * MINUTES_PER_DAY;
        (midnight + self.open, midnight + next_day + self.close)
    }
}

/// When a store opens in the course of a week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    zone: Tz,
    periods: Vec<Period>,
}

/// What a store's hours mean at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Within a period.
    pub is_open: bool,
    /// When the next period begins; nothing when it is always open.
    pub next_open: Option<Time>,
    /// When the store next closes; nothing when it is always open.
    pub next_close: Option<Time>,
}

impl Opening {
    /// Open at all hours.
    pub const ALWAYS: Self = Self {
        is_open: true,
        next_open: None,
        next_close: None,
    };
    /// Closed until somebody changes that.
    pub const NEVER: Self = Self {
        is_open: false,
        next_open: None,
        next_close: None,
    };
}

/// How hours stand in the database.
#[derive(Serialize, Deserialize)]
struct Stored {
    zone: String,
    /// Days after Monday, minute of opening, minute of closing.
    periods: Vec<(u8, u16, u16)>,
}

impl Hours {
    /// Checks hours. No period at all means open at all hours.
    ///
    /// # Errors
    /// VALIDATION_ERROR for an unknown zone or periods that overlap.
    pub fn new(zone: &str, mut periods: Vec<Period>) -> Result<Self> {
        let name = if zone.is_empty() { DEFAULT_ZONE } else { zone };
        let overlaps = overlap(&mut periods);
        match (name.parse::<Tz>(), overlaps) {
            (Ok(zone), false) => Ok(Self { zone, periods }),
            (zone, overlaps) => {
                let zone = zone.is_err().then(|| Violation {
                    field: "openingHours.timeZone".to_owned(),
                    message: "is not an IANA time zone such as Africa/Algiers".to_owned(),
                });
                let overlaps = overlaps.then(|| Violation {
                    field: "openingHours.periods".to_owned(),
                    message: "overlap".to_owned(),
                });
                Err(Error::fields(zone.into_iter().chain(overlaps).collect()))
            }
        }
    }

    /// The IANA name of the zone.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The periods in the order of the week.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// What the hours mean at `now`.
    pub fn at(&self, now: Time) -> Opening {
        let open_minutes: u16 = self
            .periods
            .iter()
            .map(Period::in_week)
            .map(|(a, b)| b - a)
            .sum();
        if self.periods.is_empty() || open_minutes == MINUTES_PER_WEEK {
            return Opening::ALWAYS;
        }
        let spans = self.spans_around(now);
        let current = spans
            .iter()
            .find(|(open, close)| *open <= now && now < *close);
        let next = spans.iter().find(|(open, _)| *open > now);
        Opening {
            is_open: current.is_some(),
            next_open: next.map(|(open, _)| *open),
            next_close: current.or(next).map(|(_, close)| *close),
        }
    }

    /// The open spans from before `now` to more than a week after, in order, those that
    /// touch joined.
    fn spans_around(&self, now: Time) -> Vec<(Time, Time)> {
        let now = DateTime::from_timestamp_micros(now.micros()).unwrap_or_default();
        let today = self.zone.from_utc_datetime(&now.naive_utc()).date_naive();
        let first = today
            .checked_sub_days(Days::new(DAYS_BACK))
            .unwrap_or(today);
        let mut spans: Vec<(Time, Time)> = first
            .iter_days()
            .take(usize::try_from(DAYS).unwrap_or_default())
            .flat_map(|date| {
                let todays = move |period: &&Period| period.day == date.weekday();
                let periods = self.periods.iter().filter(todays);
                periods.filter_map(move |period| self.span(date, period))
            })
            .filter(|(open, close)| open < close)
            .collect();
        spans.sort_unstable();
        spans.dedup_by(|next, last| {
            let touches = next.0 <= last.1;
            if touches {
                last.1 = Ord::max(last.1, next.1);
            }
            touches
        });
        spans
    }

    fn span(&self, date: NaiveDate, period: &Period) -> Option<(Time, Time)> {
        let last = date.checked_add_days(Days::new(u64::from(period.crosses_midnight())))?;
        Some((
            self.instant(date, period.open)?,
            self.instant(last, period.close)?,
        ))
    }

    fn instant(&self, date: NaiveDate, minute: u16) -> Option<Time> {
        let minute = u32::from(minute);
        let local = date.and_time(NaiveTime::from_hms_opt(minute / 60, minute % 60, 0)?);
        // No gap was ever longer than a day.
        let shown = (0..=i64::from(MINUTES_PER_DAY)).find_map(|gap| {
            let local = local.checked_add_signed(TimeDelta::minutes(gap))?;
            self.zone.from_local_datetime(&local).earliest()
        })?;
        Some(Time::from_micros(shown.timestamp_micros()))
    }

    /// The text that the database keeps.
    pub fn to_json(&self) -> String {
        let day = |period: &Period| u8::try_from(period.day.num_days_from_monday()).unwrap_or(0);
        let stored = Stored {
            zone: self.zone().to_owned(),
            periods: self
                .periods
                .iter()
                .map(|p| (day(p), p.open, p.close))
                .collect(),
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Hours that are stored already.
    ///
    /// # Errors
    /// INTERNAL when the text is not one that [`Hours::to_json`] wrote.
    pub fn from_json(text: &str) -> Result<Self> {
        let stored: Stored = serde_json::from_str(text).map_err(Error::internal)?;
        let periods = stored.periods.into_iter().map(|(day, open, close)| {
            let day = Weekday::try_from(day).map_err(Error::internal)?;
            Ok(Period { day, open, close })
        });
        Self::new(&stored.zone, periods.collect::<Result<_>>()?)
    }
}

/// Sorts the periods by their beginning and says whether any two overlap.
fn overlap(periods: &mut [Period]) -> bool {
    periods.sort_unstable_by_key(Period::in_week);
    let spans: Vec<_> = periods.iter().map(Period::in_week).collect();
    let next_week = spans
        .first()
        .map(|(open, close)| (open + MINUTES_PER_WEEK, *close));
    let followers = spans.iter().copied().skip(1).chain(next_week);
    spans
        .iter()
        .zip(followers)
        .any(|((_, close), (open, _))| *close > open)
}

#[cfg(test)]
mod tests;
