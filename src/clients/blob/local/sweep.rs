//! What nobody came back for.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use super::folder::{ASIDE, PARTS};
use crate::clients::blob::key::INCOMING;
use crate::kernel::Time;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What has not been published after so long never will be: no ticket lasts a day.
const FORGOTTEN: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// When the folder was swept last, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Swept(AtomicI64);

impl Swept {
    /// Sweeps the folder beside everything else, once a day as long as somebody uses it.
    pub(super) fn keep(&self, root: &Path, now: Time) {
        let last = self.0.load(Ordering::Relaxed);
        let is_due = last == 0 || now.since(Time::from_micros(last)) >= DAY;
        let order = Ordering::Relaxed;
        let swap = || self.0.compare_exchange(last, now.micros(), order, order);
        // Of several at once one sweeps.
        if !is_due || swap().is_err() {
            return;
        }
        let seconds = u64::try_from(now.seconds()).unwrap_or_default();
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) - FORGOTTEN;
        let below = [INCOMING, PARTS, ASIDE].map(|name| root.join(name));
        tokio::task::spawn_blocking(move || {
            for folder in below {
                if let Err(error) = sweep(&folder, since) {
                    tracing::warn!(%error, "what never became a file could not all be removed");
                }
            }
        });
    }
}

/// Removes files below `folder` that nobody has written to since this instant.
fn sweep(folder: &Path, since: SystemTime) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let meta = entry.metadata()?;
        if meta.is_dir() {
            sweep(&entry.path(), since)?;
        } else if meta.modified()? < since {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
