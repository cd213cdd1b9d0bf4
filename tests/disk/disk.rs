//! A small disk in memory.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk that goes with the test.
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// An empty disk of so many MiB, which every user may enter.
    pub fn mount(mebibytes: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("souk-disk-").tempdir();
        let path = folder.unwrap().keep();
        let options = format!("size={mebibytes}m,mode=711");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&path)
            .status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "mounting a disk needs root on Linux"
        );
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes all the room that there is.
    pub fn fill(&self) {
        let ballast = self.path.join("ballast");
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(ballast)
            .unwrap();
        for size in [1 << 20, 1 << 12] {
            let zeros = vec![0; size];
            loop {
                match file.write(&zeros) {
                    Ok(_) => {}
                    Err(full) if full.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    /// Gives all of it back.
    pub fn make_room(&self) {
        fs::remove_file(self.path.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: somebody who ends just now may still have a file open.
        let gone = Command::new("umount").arg("-l").arg(&self.path).status();
        if gone.is_ok_and(|status| status.success()) {
            let _ = fs::remove_dir(&self.path);
        }
    }
}
