use super::*;

fn at(text: &str) -> Time {
    let instant: DateTime<chrono::Utc> = text.parse().unwrap();
    Time::from_micros(instant.timestamp_micros())
}

fn minute(text: &str) -> u16 {
    let (hours, minutes) = text.split_once(':').unwrap();
    hours.parse::<u16>().unwrap() * 60 + minutes.parse::<u16>().unwrap()
}

/// `"Mon 09:00-17:00, Tue 22:00-02:00"`
fn hours(zone: &str, text: &str) -> Result<Hours> {
    let periods = text
        .split(", ")
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (day, span) = part.split_once(' ').unwrap();
            let (open, close) = span.split_once('-').unwrap();
            Period {
                day: day.parse().unwrap(),
                open: minute(open),
                close: minute(close),
            }
        });
    Hours::new(zone, periods.collect())
}

const ALGIERS: &str = "Africa/Algiers";
const PARIS: &str = "Europe/Paris";
const WEEK: &str = "Sun 09:00-17:00, Mon 09:00-17:00, Tue 09:00-17:00, Wed 09:00-17:00, \
                    Thu 09:00-12:00, Thu 14:00-17:00";
const NIGHT: &str = "Fri 22:00-02:00, Sat 22:00-02:00";

#[test]
fn opening_follows_local_time_over_nights_weeks_and_clock_changes() {
    // 2026-11-20 is a Friday. Algiers is UTC+1; Paris changes clocks on 2026-03-29 (02:00
    // to 03:00) and 2026-10-25 (03:00 to 02:00).
    let table = [
        // Zone, periods, now, open, next opening, next closing.
        (
            ALGIERS,
            WEEK,
            "2026-11-22T07:59:59Z",
            false,
            "2026-11-22T08:00:00Z",
            "2026-11-22T16:00:00Z",
        ),
        (
            ALGIERS,
            WEEK,
            "2026-11-22T08:00:00Z",
            true,
            "2026-11-23T08:00:00Z",
            "2026-11-22T16:00:00Z",
        ),
        (
            ALGIERS,
            WEEK,
            "2026-11-22T16:00:00Z",
            false,
            "2026-11-23T08:00:00Z",
            "2026-11-23T16:00:00Z",
        ),
        // Twice a day, then the weekend.
        (
            ALGIERS,
            WEEK,
            "2026-11-19T10:00:00Z",
            true,
            "2026-11-19T13:00:00Z",
            "2026-11-19T11:00:00Z",
        ),
        (
            ALGIERS,
            WEEK,
            "2026-11-19T12:00:00Z",
            false,
            "2026-11-19T13:00:00Z",
            "2026-11-19T16:00:00Z",
        ),
        (
            ALGIERS,
            WEEK,
            "2026-11-20T12:00:00Z",
            false,
            "2026-11-22T08:00:00Z",
            "2026-11-22T16:00:00Z",
        ),
        // Overnight: Friday's period still runs on Saturday.
        (
            ALGIERS,
            NIGHT,
            "2026-11-21T00:30:00Z",
            true,
            "2026-11-21T21:00:00Z",
            "2026-11-21T01:00:00Z",
        ),
        (
            ALGIERS,
            NIGHT,
            "2026-11-21T01:00:00Z",
            false,
            "2026-11-21T21:00:00Z",
            "2026-11-22T01:00:00Z",
        ),
        (
            ALGIERS,
            NIGHT,
            "2026-11-22T01:00:00Z",
            false,
            "2026-11-27T21:00:00Z",
            "2026-11-28T01:00:00Z",
        ),
        // Sunday night into Monday, over the end of the week.
        (
            ALGIERS,
            "Sun 23:00-01:00",
            "2026-11-22T23:30:00Z",
            true,
            "2026-11-29T22:00:00Z",
            "2026-11-23T00:00:00Z",
        ),
        // Equal times are 24 hours.
        (
            ALGIERS,
            "Fri 08:00-08:00",
            "2026-11-21T06:59:00Z",
            true,
            "2026-11-27T07:00:00Z",
            "2026-11-21T07:00:00Z",
        ),
        // Periods that touch are one.
        (
            ALGIERS,
            "Fri 08:00-12:00, Fri 12:00-18:00",
            "2026-11-20T08:00:00Z",
            true,
            "2026-11-27T07:00:00Z",
            "2026-11-20T17:00:00Z",
        ),
        // Another zone's date: Friday morning in Auckland is Thursday in UTC.
        (
            "Pacific/Auckland",
            "Fri 08:00-10:00",
            "2026-11-19T20:00:00Z",
            true,
            "2026-11-26T19:00:00Z",
            "2026-11-19T21:00:00Z",
        ),
        // Spring: 02:30 is skipped, so the period begins at 03:00 summer time.
        (
            PARIS,
            "Sun 02:30-05:00",
            "2026-03-29T00:59:59Z",
            false,
            "2026-03-29T01:00:00Z",
            "2026-03-29T03:00:00Z",
        ),
        // Spring: a period inside the gap has no instant that day.
        (
            PARIS,
            "Sun 02:00-03:00",
            "2026-03-28T12:00:00Z",
            false,
            "2026-04-05T00:00:00Z",
            "2026-04-05T01:00:00Z",
        ),
        // Spring: the same local times are an hour earlier in UTC afterwards.
        (
            PARIS,
            "Sat 09:00-10:00, Sun 09:00-10:00",
            "2026-03-28T09:00:00Z",
            false,
            "2026-03-29T07:00:00Z",
            "2026-03-29T08:00:00Z",
        ),
        // Autumn: 02:30 is shown twice; the first showing counts, for both ends.
        (
            PARIS,
            "Sun 01:00-02:30, Sun 02:30-04:00",
            "2026-10-25T00:30:00Z",
            true,
            "2026-11-01T00:00:00Z",
            "2026-10-25T03:00:00Z",
        ),
        // Autumn: the night is an hour longer.
        (
            PARIS,
            "Sat 22:00-03:00",
            "2026-10-25T01:59:00Z",
            true,
            "2026-10-31T21:00:00Z",
            "2026-10-25T02:00:00Z",
        ),
    ];
    for (zone, periods, now, is_open, next_open, next_close) in table {
        let expected = Opening {
            is_open,
            next_open: Some(at(next_open)),
            next_close: Some(at(next_close)),
        };
        let opening = hours(zone, periods).unwrap().at(at(now));
        assert_eq!(opening, expected, "{zone} {periods} {now}");
    }
}

#[test]
fn no_periods_or_periods_without_a_gap_mean_always_open() {
    let round_the_clock = "Mon 00:00-00:00, Tue 00:00-00:00, Wed 00:00-00:00, Thu 00:00-00:00, \
                           Fri 00:00-00:00, Sat 00:00-12:00, Sat 12:00-00:00, Sun 00:00-00:00";
    for periods in ["", round_the_clock] {
        let hours = hours(PARIS, periods).unwrap();
        assert_eq!(hours.at(at("2026-03-29T01:00:00Z")), Opening::ALWAYS);
    }
}

#[test]
fn periods_may_touch_but_not_overlap() {
    for fine in [
        "Mon 09:00-12:00, Mon 12:00-14:00",
        "Sun 22:00-02:00, Mon 02:00-03:00",
        "Mon 08:00-08:00, Tue 08:00-08:00",
    ] {
        assert!(hours(ALGIERS, fine).is_ok(), "{fine}");
    }
    for wrong in [
        "Mon 09:00-12:00, Mon 11:59-14:00",
        "Mon 09:00-12:00, Mon 09:00-12:00",
        "Sun 22:00-02:00, Mon 01:00-03:00",
        "Mon 08:00-08:00, Tue 07:00-09:00",
    ] {
        let error = hours(ALGIERS, wrong).unwrap_err();
        assert_eq!(
            error.violations()[0].field,
            "openingHours.periods",
            "{wrong}"
        );
    }
    let error = hours("Africa/Oran", "Mon 09:00-12:00").unwrap_err();
    assert_eq!(error.violations()[0].field, "openingHours.timeZone");
}

#[test]
fn hours_come_back_from_the_database_as_they_were() {
    let hours = hours(PARIS, NIGHT).unwrap();
    assert_eq!(Hours::from_json(&hours.to_json()).unwrap(), hours);
    assert!(Hours::from_json("{}").is_err());
}
