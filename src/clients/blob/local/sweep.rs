//! What nobody came back for.

use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, io};

/// Removes files below `folder` that nobody has written to for so long.
pub(super) fn sweep(folder: &Path, after: Duration) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let meta = entry.metadata()?;
        if meta.is_dir() {
            sweep(&entry.path(), after)?;
        } else if SystemTime::now()
            .duration_since(meta.modified()?)
            .is_ok_and(|age| age > after)
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
