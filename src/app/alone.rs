//! A SQLite file serves one process: its writers take turns within it, and what a change
//! leads to is heard within it. Production holds a lock for as long as it runs, so that a
//! second process is refused. Development may do as it likes.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::config::{Config, Environment};
use crate::kernel::{Error, Reason, Result};

/// That no other process serves the file. The system takes the lock back when the process
/// ends, however it does; the file of the lock stays, since removing it would race.
#[derive(Debug)]
pub(super) struct Alone {
    _lock: File,
}

impl Alone {
    /// Holds the lock where one is needed.
    ///
    /// # Errors
    /// UNAVAILABLE when another process holds it, or when its file cannot be made.
    pub(super) fn with(config: &Config) -> Result<Option<Self>> {
        if config.environment != Environment::Production {
            return Ok(None);
        }
        file_of(&config.database.url)
            .map(|database| Self::hold(&database))
            .transpose()
    }

    fn hold(database: &Path) -> Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let refused = |why: String| Error::new(Reason::Unavailable, format!("DATABASE_URL {why}"));
        let open = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let lock = open.map_err(|error| {
            let why = format!(
                "names a file beside which {} cannot be made",
                path.display()
            );
            refused(why).caused_by(error)
        })?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(refused(format!(
                "names {}, which another process serves: several need PostgreSQL",
                database.display()
            ))),
            Err(TryLockError::Error(error)) => {
                let why = format!("names a file beside which {} is no lock", path.display());
                Err(refused(why).caused_by(error))
            }
        }
    }
}

/// The file of a SQLite database; nothing for one in memory, and for other databases.
fn file_of(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
    let mut options = form_urlencoded::parse(options.as_bytes());
    let in_memory =
        path == ":memory:" || options.any(|(key, value)| (&*key, &*value) == ("mode", "memory"));
    let path = percent_encoding::percent_decode_str(path).decode_utf8();
    path.ok()
        .filter(|_| !in_memory)
        .map(|path| PathBuf::from(&*path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_by_one_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("souk.db");
        let first = Alone::hold(&database).unwrap();
        let refused = Alone::hold(&database).unwrap_err();
        assert_eq!(refused.reason(), Reason::Unavailable);
        assert!(refused.message().starts_with("DATABASE_URL names "));
        assert!(refused.message().contains("another process"));
        Alone::hold(&folder.path().join("other.db")).unwrap();
        drop(first);
        Alone::hold(&database).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let refused = Alone::hold(Path::new("/nowhere/at/all/souk.db")).unwrap_err();
        assert!(refused.message().contains("cannot be made"));
    }

    #[test]
    fn only_files_are_held() {
        for (url, file) in [
            ("sqlite:///var/lib/souk.db", Some("/var/lib/souk.db")),
            ("sqlite://data/souk.db?mode=rwc", Some("data/souk.db")),
            ("sqlite:souk%20of%20ours.db", Some("souk of ours.db")),
            ("sqlite::memory:", None),
            ("sqlite://souk?mode=memory", None),
            ("postgres://souk@localhost/souk", None),
        ] {
            assert_eq!(file_of(url).as_deref(), file.map(Path::new), "{url}");
        }
    }
}
