//! What becomes of connections when the server stops.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How connections ended while the server stopped.
#[derive(Debug, Default)]
pub(super) struct Tally {
    connections: AtomicUsize,
    calls: AtomicUsize,
}

impl Tally {
    /// Counts a connection that was cut, with the calls that were open on it.
    pub(super) fn cut(&self, calls: usize) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.calls.fetch_add(calls, Ordering::Relaxed);
    }

    /// How many connections were cut, and how many calls on them.
    pub(super) fn counts(&self) -> (usize, usize) {
        let count = |it: &AtomicUsize| it.load(Ordering::Relaxed);
        (count(&self.connections), count(&self.calls))
    }
}

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicUsize,
    open: AtomicUsize,
}

impl Activity {
    /// Counts a request that begins.
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have begun.
    pub(super) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// Counts an answer as open until what is returned is dropped.
    pub(super) fn open(&self) -> Opened<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Opened(self)
    }

    /// How many answers are open.
    pub(super) fn opened(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// An open answer.
pub(super) struct Opened<'a>(&'a Activity);

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
