//! What each caller is told: the paths in the answers, beside the tables under
//! `tests/access/fields`. SOUK_WRITE_FIELDS=1 writes them anew, for review.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::matrix::{Row, Who};

/// What stands at the head of each table.
const HEAD: &str = "# Method, path in its answer: who of those who may call is told it.";

/// The answers of an RPC by caller.
pub type Seen = BTreeMap<Who, Value>;

/// The paths of an RPC's answers, and who is told each.
type Paths = BTreeMap<String, BTreeSet<Who>>;

/// What was told, by RPC.
#[derive(Default)]
pub struct Told(BTreeMap<&'static str, (BTreeSet<Who>, Paths)>);

impl Told {
    pub fn add(&mut self, row: &'static Row, seen: Seen) {
        let mut paths = Paths::new();
        for (who, answer) in &seen {
            walk(answer, String::new(), &mut |path| {
                paths.entry(path).or_default().insert(*who);
            });
        }
        let callers = seen.keys().copied().collect();
        self.0.insert(row.rpc, (callers, paths));
    }

    /// Where the answers and the tables differ.
    pub fn compare(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (service, lines) in self.lines() {
            let file = file_of(&service);
            if std::env::var("SOUK_WRITE_FIELDS").is_ok() {
                let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                std::fs::write(&file, text).unwrap();
            }
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            let kept: BTreeSet<&str> = kept.lines().collect();
            let now: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
            let name = file.display();
            wrong.extend(
                now.difference(&kept)
                    .map(|it| format!("not in {name}: {it}")),
            );
            wrong.extend(
                kept.difference(&now)
                    .map(|it| format!("only in {name}: {it}")),
            );
        }
        wrong
    }

    /// Per service, what the file is and a line per path: the RPC, the path, and who is told it.
    fn lines(&self) -> BTreeMap<String, Vec<String>> {
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (rpc, (callers, paths)) in &self.0 {
            let (service, method) = rpc.split_once("Service/").unwrap();
            let lines = files
                .entry(service.to_lowercase())
                .or_insert_with(|| vec![HEAD.to_owned()]);
            for (path, who) in paths {
                let who = match who == callers {
                    true => "all".to_owned(),
                    false => who
                        .iter()
                        .map(|who| format!("{who:?}"))
                        .collect::<Vec<_>>()
                        .join(" "),
                };
                lines.push(format!("{method} {path}: {who}"));
            }
        }
        files
    }
}

fn file_of(service: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/fields");
    folder.join(format!("{service}.txt"))
}

/// Every path to a value that is no object and no list.
fn walk(value: &Value, path: String, told: &mut impl FnMut(String)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                walk(member, format!("{path}{dot}{name}"), told);
            }
        }
        Value::Array(items) => {
            for item in items {
                walk(item, format!("{path}[]"), told);
            }
        }
        _ => told(path),
    }
}
