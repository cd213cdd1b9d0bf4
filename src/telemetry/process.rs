//! What the system says of this process.

use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

use metrics::gauge;

/// When the process began, near enough.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Begins to count the uptime.
pub(super) fn begin() {
    LazyLock::force(&BEGAN);
}

/// Looks, and sets the gauges. What the system does not tell stays as it was.
pub(super) fn look() {
    gauge!("souk_process_uptime_seconds").set(BEGAN.elapsed().as_secs_f64());
    if let Some(bytes) = resident() {
        gauge!("souk_process_resident_bytes").set(bytes as f64);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        gauge!("souk_process_open_fds").set(open.count() as f64);
    }
    if let Some(most) = fs::read_to_string("/proc/self/limits")
        .ok()
        .as_deref()
        .and_then(open_files)
    {
        gauge!("souk_process_max_fds").set(most);
    }
}

/// Bytes of memory that the process holds.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    kilobytes(&status).map(|kilobytes| kilobytes * 1024)
}

fn kilobytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line?.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn open_files(limits: &str) -> Option<f64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    line?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_words_are_read() {
        let status = "Name:\tsouk\nVmRSS:\t   12345 kB\nThreads:\t4\n";
        assert_eq!(kilobytes(status), Some(12345));
        assert_eq!(kilobytes("Name:\tsouk\n"), None);
        let limits = "Limit Soft Hard Units\nMax open files   1024   4096   files\n";
        assert_eq!(open_files(limits), Some(1024.0));
    }
}
