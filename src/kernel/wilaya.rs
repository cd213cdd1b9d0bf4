//! The wilayas (provinces) of Algeria, as data: codes, names, and which ones were split
//! from which. The codes of the newest ones rest on data sets rather than on a decree,
//! so they stand in a file and not in code.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use super::text::fold;
use super::{Error, Reason, Result, Time};

/// `code,name,name_ar,parent,zone,effective_from`, by code.
const DATA: &str = include_str!("wilayas.csv");

/// Names in other languages than French and Arabic.
const EXONYMS: [(&str, u8); 1] = [("algiers", 16)];

/// What people write for Algeria, folded; the empty text means it too.
const ALGERIA: [&str; 5] = ["", "dz", "dza", "algeria", "algerie"];
const ALGERIA_AR: &str = "الجزائر";

/// Algeria is one hour ahead of UTC all the year round.
const OFFSET_MICROS: i64 = 3_600_000_000;

/// The code of a wilaya, 1 to 69; it prints as two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WilayaCode(u8);

impl WilayaCode {
    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for WilayaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// A wilaya.
#[derive(Debug, PartialEq, Eq)]
pub struct Wilaya {
    /// The official code.
    pub code: WilayaCode,
    /// The French name.
    pub name: &'static str,
    /// The Arabic name.
    pub name_ar: &'static str,
    /// The wilaya that it was split from.
    pub parent: Option<WilayaCode>,
    /// The couriers' zone, 1 (north) to 4 (far south).
    pub zone: u8,
    /// When it takes over its powers, for those that were created lately.
    pub effective_from: Option<Time>,
}

struct Wilayas {
    by_code: Vec<Wilaya>,
    by_name: HashMap<String, WilayaCode>,
}

static WILAYAS: LazyLock<Wilayas> = LazyLock::new(|| {
    let by_code: Vec<Wilaya> = DATA.lines().skip(1).filter_map(row).collect();
    let mut by_name = HashMap::with_capacity(by_code.len() * 3);
    for wilaya in &by_code {
        by_name.insert(key(wilaya.name), wilaya.code);
        by_name.insert(wilaya.name_ar.to_owned(), wilaya.code);
    }
    by_name.extend(EXONYMS.map(|(name, code)| (name.to_owned(), WilayaCode(code))));
    Wilayas { by_code, by_name }
});

impl Wilaya {
    /// Every wilaya, by code.
    pub fn all() -> &'static [Self] {
        &WILAYAS.by_code
    }

    /// The wilaya of a stored code.
    pub fn of(code: WilayaCode) -> Option<&'static Self> {
        Self::all().get(usize::from(code.0).checked_sub(1)?)
    }

    /// Reads a code (`16`, `"1"`, `"01"`), a French name with or without accents and in
    /// any case, or an Arabic name. Nothing when it is none of them.
    pub fn find(text: &str) -> Option<&'static Self> {
        let text = text.trim();
        if let Ok(number) = text.parse::<u8>() {
            return Self::of(WilayaCode(number));
        }
        let names = &WILAYAS.by_name;
        names
            .get(text)
            .or_else(|| names.get(&key(text)))
            .and_then(|code| Self::of(*code))
    }

    /// Like [`Wilaya::find`]; `field` is the request's field, for the refusal.
    ///
    /// # Errors
    /// UNKNOWN_WILAYA that names the field.
    pub fn parse(field: &str, text: &str) -> Result<&'static Self> {
        Self::find(text).ok_or_else(|| {
            Error::new(
                Reason::UnknownWilaya,
                "unknown wilaya: send a code (16), or a French or Arabic name",
            )
            .at(field)
            .with("wilaya", text)
        })
    }

    /// The wilaya whose powers reach here at `now`: itself, or its parent until it takes
    /// over.
    pub fn in_power(&'static self, now: Time) -> &'static Self {
        match (self.effective_from, self.parent.and_then(Self::of)) {
            (Some(from), Some(parent)) if now < from => parent,
            _ => self,
        }
    }
}

/// Whether a country, as people write it, is Algeria. No country named means Algeria.
pub fn is_algeria(country: Option<&str>) -> bool {
    let country = country.unwrap_or_default().trim();
    country == ALGERIA_AR || (ALGERIA.contains(&fold(country).as_str()))
}

/// Names compare without spaces, so that `M'Sila` and `Msila`, or `Sidi Bel Abbes` and
/// `sidi-bel-abbes`, are one.
fn key(name: &str) -> String {
    fold(name).replace(' ', "")
}

fn row(line: &'static str) -> Option<Wilaya> {
    let mut cells = line.split(',');
    let code = WilayaCode(cells.next()?.parse().ok()?);
    let name = cells.next()?;
    let name_ar = cells.next()?;
    let parent = cells.next()?.parse().ok().map(WilayaCode);
    let zone = cells.next()?.parse().ok()?;
    let effective_from = cells.next().and_then(midnight);
    Some(Wilaya {
        code,
        name,
        name_ar,
        parent,
        zone,
        effective_from,
    })
}

/// The beginning of a civil day in Algeria.
fn midnight(date: &str) -> Option<Time> {
    let day = date
        .parse::<chrono::NaiveDate>()
        .ok()?
        .and_hms_opt(0, 0, 0)?;
    Some(Time::from_micros(
        day.and_utc().timestamp_micros() - OFFSET_MICROS,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_69_with_codes_in_order_and_distinct_names() {
        let all = Wilaya::all();
        assert_eq!(all.len(), 69);
        for (place, wilaya) in all.iter().enumerate() {
            assert_eq!(usize::from(wilaya.code.number()), place + 1);
            assert!((1..=4).contains(&wilaya.zone), "{}", wilaya.name);
            assert_eq!(wilaya.parent.is_some(), wilaya.code.number() > 48);
            assert_eq!(wilaya.effective_from.is_some(), wilaya.code.number() > 58);
            for text in [wilaya.name, wilaya.name_ar] {
                assert_eq!(Wilaya::find(text), Some(wilaya), "{text}");
            }
        }
    }

    #[test]
    fn every_usual_spelling_is_read() {
        let cases = [
            ("16", 16),
            ("1", 1),
            ("01", 1),
            ("Alger", 16),
            ("Algiers", 16),
            ("ALGIERS", 16),
            ("الجزائر", 16),
            (" وهران ", 31),
            ("bejaia", 6),
            ("BÉJAÏA", 6),
            ("Msila", 28),
            ("m’sila", 28),
            ("sidi-bel-abbes", 22),
            ("Ain Defla", 44),
            ("el m'ghair", 57),
        ];
        for (text, code) in cases {
            let found = Wilaya::find(text).map(|wilaya| wilaya.code.number());
            assert_eq!(found, Some(code), "{text}");
        }
        for text in ["", "0", "00", "70", "-1", "Paris", "16a"] {
            let error = Wilaya::parse("wilaya", text).unwrap_err();
            assert_eq!(error.reason(), Reason::UnknownWilaya, "{text}");
            assert_eq!(error.violations()[0].field, "wilaya");
        }
    }

    #[test]
    fn a_new_wilaya_stands_under_its_parent_until_its_day() {
        let barika = Wilaya::find("Barika").unwrap();
        let from = barika.effective_from.unwrap();
        assert_eq!(from.seconds(), 1_798_758_000); // 2026-12-31T23:00:00Z
        let before = Time::from_micros(from.micros() - 1);
        assert_eq!(barika.in_power(before).name, "Batna");
        assert_eq!(barika.in_power(from).name, "Barika");
        // Split in 2019, in power since then.
        assert_eq!(
            Wilaya::find("49").unwrap().in_power(before).name,
            "Timimoun"
        );
    }

    #[test]
    fn algeria_has_many_names() {
        for country in [None, Some(""), Some("dz"), Some("Algérie"), Some("ALGERIA")] {
            assert!(is_algeria(country), "{country:?}");
        }
        assert!(is_algeria(Some("الجزائر")));
        for country in ["FR", "India", "Algarve"] {
            assert!(!is_algeria(Some(country)), "{country}");
        }
    }
}
