//! The `souk` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    souk::cli::run()
}
