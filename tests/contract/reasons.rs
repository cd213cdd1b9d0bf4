//! Which of the promised reasons the server gives.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use souk::kernel::Reason;

/// Promised for parts of the marketplace that are not built yet: nothing gives them.
pub const RESERVED: &[Reason] = &[
    Reason::ProductNotVisible,
    Reason::CmsManaged,
    Reason::PromoInvalid,
    Reason::PromoExpired,
    Reason::PromoMinOrder,
    Reason::PaymentFailed,
    Reason::PaymentAlreadyDone,
    Reason::RefundExceeds,
    Reason::AlreadyTaken,
    Reason::NotApproved,
    Reason::PartnerOffline,
    Reason::CodeMismatch,
    Reason::JobLimit,
    Reason::CodNotCollected,
    Reason::TierUnavailable,
    Reason::OwnService,
    Reason::AlreadyReviewed,
    Reason::NotCompleted,
];

/// What follows `Reason::` anywhere in `src/`, tests left aside.
pub fn named() -> BTreeSet<String> {
    let mut files = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut named = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        // The tests beside the code stand at its end.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (at, path) in code.match_indices("Reason::") {
            let word = &code[at + path.len()..];
            let end = word.find(|letter: char| !letter.is_alphanumeric());
            // Not the end of another name, such as `EndReason`.
            if !code[..at].ends_with(char::is_alphanumeric) {
                named.insert(word[..end.unwrap_or(word.len())].to_owned());
            }
        }
    }
    named
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = ["tests", "testing"]
            .iter()
            .any(|name| path.file_stem() == Some(name.as_ref()));
        if is_test {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}
