//! A PostgreSQL of the test's own, by `scripts/services`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A server with its data on a disk.
pub struct Server {
    folder: PathBuf,
    pub url: String,
}

impl Server {
    /// Starts one that flushes what it has promised.
    pub fn start(disk: &Path) -> Self {
        let folder = disk.join("services");
        assert!(services(&folder, &["start"]).status.success());
        let told = services(&folder, &["env"]).stdout;
        let told = String::from_utf8(told).unwrap();
        let url = told
            .lines()
            .find_map(|line| line.strip_prefix("export TEST_POSTGRES_URL="));
        Self {
            url: url.expect("the server's address").to_owned(),
            folder,
        }
    }

    /// Starts it again, where it has died.
    pub fn start_again(&self) {
        // It refuses to start where it runs.
        services(&self.folder, &["postgres", "start"]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        services(&self.folder, &["stop"]);
    }
}

fn services(folder: &Path, words: &[&str]) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/services");
    let done = Command::new(script)
        .args(words)
        .env("SOUK_SERVICES_DIR", folder)
        .output();
    done.expect("scripts/services runs")
}
