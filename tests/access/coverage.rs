//! A table beside what it has to cover.

use std::collections::BTreeSet;
use std::fmt::Debug;

/// What is wrong with a table that must name each of `things` once and nothing else.
pub fn problems<T: Ord + Debug + Clone>(
    things: impl IntoIterator<Item = T>,
    table: impl IntoIterator<Item = T>,
) -> Vec<String> {
    let things: BTreeSet<T> = things.into_iter().collect();
    let mut listed = BTreeSet::new();
    let mut problems = Vec::new();
    for row in table {
        if !listed.insert(row.clone()) {
            problems.push(format!("{row:?} stands twice"));
        }
    }
    let missing = things.difference(&listed);
    problems.extend(missing.map(|thing| format!("{thing:?} has no row")));
    let stale = listed.difference(&things);
    problems.extend(stale.map(|row| format!("{row:?} is a row of nothing")));
    problems
}
