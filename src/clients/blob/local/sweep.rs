//! What nobody came back for.

use std::path::Path;
use std::time::SystemTime;
use std::{fs, io};

/// Removes files below `folder` that nobody has written to since this instant.
pub(super) fn sweep(folder: &Path, since: SystemTime) -> io::Result<()> {
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
