//! Settings for tests.

use std::collections::BTreeMap;

use super::Reader;

/// The settings as an environment.
pub(in crate::config) fn env(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    settings.iter().map(owned).collect()
}

/// What `read` makes of the settings.
///
/// # Errors
/// What is wrong with them.
pub(in crate::config) fn with<T>(
    settings: &[(&str, &str)],
    read: impl FnOnce(&mut Reader) -> T,
) -> Result<T, Vec<String>> {
    let mut reader = Reader::new(env(settings), None);
    let value = read(&mut reader);
    let problems: Vec<String> = reader.finish().iter().map(ToString::to_string).collect();
    if problems.is_empty() {
        Ok(value)
    } else {
        Err(problems)
    }
}
