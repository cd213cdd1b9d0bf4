//! Reading settings: a variable of the environment wins over the file, the file over
//! the default. Whatever is wrong is collected, so that all of it is told at once.

#[cfg(test)]
pub(super) mod testing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A setting: its environment variable and its place in the file.
pub(super) type Name = (&'static str, &'static str);

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable, or the place in the file.
    pub setting: String,
    /// What is wrong, to follow the name.
    pub message: String,
}

impl Problem {
    /// A problem of a setting.
    pub fn new(setting: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            setting: setting.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.setting, self.message)
    }
}

/// The problems among checks: whether something is wrong, with which setting, and what.
pub(super) fn refused(
    checks: impl IntoIterator<Item = (bool, &'static str, &'static str)>,
) -> Vec<Problem> {
    let wrong = checks.into_iter().filter(|(wrong, _, _)| *wrong);
    wrong
        .map(|(_, setting, message)| Problem::new(setting, message))
        .collect()
}

/// The settings as text, and what was found wrong with them.
pub(super) struct Reader {
    env: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    known: BTreeSet<&'static str>,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(env: BTreeMap<String, String>, file: Option<&str>) -> Self {
        let mut problems = Vec::new();
        let mut flat = BTreeMap::new();
        match file.map(str::parse::<toml::Table>) {
            Some(Ok(table)) => flatten("", &table, &mut flat, &mut problems),
            Some(Err(error)) => problems.push(Problem::new(
                "SOUK_CONFIG",
                format!("is not valid TOML: {}", error.message()),
            )),
            None => {}
        }
        Self {
            env,
            file: flat,
            known: BTreeSet::new(),
            problems,
        }
    }

    /// The text of a setting. An empty variable counts as unset, because that is how
    /// compose files and shells pass on what they do not have.
    pub(super) fn text(&mut self, (variable, key): Name) -> Option<String> {
        self.known.insert(key);
        let env = self.env.get(variable).map(|value| value.trim().to_owned());
        env.filter(|value| !value.is_empty())
            .or_else(|| self.file.get(key).cloned())
    }

    /// A setting that `parse` understands; what it must be is told otherwise.
    pub(super) fn with<T>(
        &mut self,
        name: Name,
        default: T,
        must_be: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        match self.text(name) {
            None => default,
            Some(text) => parse(&text).unwrap_or_else(|| {
                self.problem(name, format!("must be {must_be}"));
                default
            }),
        }
    }

    /// A setting of any type that reads itself.
    pub(super) fn value<T: FromStr>(&mut self, name: Name, default: T, must_be: &str) -> T {
        self.with(name, default, must_be, |text| text.parse().ok())
    }

    /// A number within bounds.
    pub(super) fn number<T>(&mut self, name: Name, default: T, least: T, most: T) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        let must_be = format!("a number from {least} to {most}");
        self.with(name, default, &must_be, |text| {
            let number = text.parse().ok()?;
            (least <= number && number <= most).then_some(number)
        })
    }

    /// A switch.
    pub(super) fn flag(&mut self, name: Name, default: bool) -> bool {
        self.with(name, default, "true or false", |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            }
        })
    }

    /// A span of time, at the most `most`.
    pub(super) fn span(&mut self, name: Name, default: Duration, most: Duration) -> Duration {
        let must_be = format!(
            "a span such as 900, 15m, 12h or 30d, at most {} s",
            most.as_secs()
        );
        self.with(name, default, &must_be, |text| {
            span(text).filter(|span| !span.is_zero() && *span <= most)
        })
    }

    /// The items of a list that commas separate.
    pub(super) fn list(&mut self, name: Name) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// An address below which others lie, such as `example`: scheme and host, nothing that
    /// hides another host, and no slash at the end.
    pub(super) fn base_url(&mut self, name: Name, text: &str, example: &str) -> Option<String> {
        let is_base = text.parse::<reqwest::Url>().is_ok_and(|url| {
            ["http", "https"].contains(&url.scheme())
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if !is_base {
            self.problem(name, format!("must be an address such as {example}"));
            return None;
        }
        Some(text.trim_end_matches('/').to_owned())
    }

    pub(super) fn problem(&mut self, (variable, _): Name, message: impl Into<String>) {
        self.problems.push(Problem::new(variable, message));
    }

    /// Tells of settings in the file that nothing reads: most likely a misspelling.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        for key in self.file.keys() {
            if !self.known.contains(key.as_str()) {
                self.problems.push(Problem::new(
                    key.clone(),
                    "in the file is no setting of souk",
                ));
            }
        }
        self.problems
    }
}

/// `[server] port = 1` becomes `server.port` = `1`; lists become comma lists.
fn flatten(
    prefix: &str,
    table: &toml::Table,
    out: &mut BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        if let toml::Value::Table(inner) = value {
            flatten(&path, inner, out, problems);
        } else if let Some(text) = plain(value) {
            out.insert(path, text);
        } else {
            problems.push(Problem::new(
                path,
                "must be text, a number, a switch or a list",
            ));
        }
    }
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(plain).collect();
            items.map(|items| items.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// Seconds, or a number with the unit ms, s, m, h or d.
pub(super) fn span(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim() {
        "ms" => return Some(Duration::from_millis(number)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_seconds_unless_a_unit_follows() {
        let cases = [
            ("900", Some(900)),
            ("15m", Some(900)),
            ("2 h", Some(7200)),
            ("30d", Some(2_592_000)),
            ("45s", Some(45)),
            ("m", None),
            ("1.5h", None),
            ("-1", None),
            ("15min", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(span(text), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn the_environment_wins_and_the_empty_string_is_unset() {
        const NAME: Name = ("PORT", "server.port");
        let read = |env: &str, file: Option<&str>| {
            let env = BTreeMap::from([("PORT".to_owned(), env.to_owned())]);
            Reader::new(env, file).value(NAME, 1u16, "a port")
        };
        assert_eq!(read("2", Some("[server]\nport = 3")), 2);
        assert_eq!(read("", Some("[server]\nport = 3")), 3);
        assert_eq!(read(" ", None), 1);
    }

    #[test]
    fn a_setting_that_nothing_reads_is_told() {
        let mut reader = Reader::new(BTreeMap::new(), Some("[server]\nprot = 3\nport = 4"));
        reader.text(("PORT", "server.port"));
        assert_eq!(
            reader.finish()[0].to_string(),
            "server.prot in the file is no setting of souk"
        );
    }
}
