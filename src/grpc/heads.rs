//! HTTP/1 requests that tell their length in two ways. One server in a row may believe the
//! one and the next the other, and a second request hides between them; the library picks
//! one silently, so the pair is looked for before it does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::overhear::Ear;

const LENGTH: &[u8] = b"content-length:";
const ENCODING: &[u8] = b"transfer-encoding:";
/// As much of each line as tells the two apart.
const LINE: usize = ENCODING.len();

/// Whether a request of the connection told its length in both ways.
#[derive(Debug, Clone, Default)]
pub(super) struct Ambiguous(Arc<AtomicBool>);

impl Ambiguous {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Reads the lines of one connection.
#[derive(Default)]
pub(super) struct Heads {
    line: [u8; LINE],
    have: usize,
    length: bool,
    encoding: bool,
    ambiguous: Ambiguous,
}

impl Heads {
    pub(super) fn telling(ambiguous: Ambiguous) -> Self {
        Self {
            ambiguous,
            ..Self::default()
        }
    }

    fn end_of_line(&mut self) {
        let line = &self.line[..self.have];
        if line.is_empty() || line == b"\r" {
            // A head has ended, or a line of a body is empty.
            self.length = false;
            self.encoding = false;
        }
        self.length |= line.starts_with(LENGTH);
        self.encoding |= line.starts_with(ENCODING);
        if self.length && self.encoding {
            self.ambiguous.0.store(true, Ordering::Relaxed);
        }
        self.have = 0;
    }
}

impl Ear for Heads {
    fn heard(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            if *byte == b'\n' {
                self.end_of_line();
            } else if self.have < LINE {
                self.line[self.have] = byte.to_ascii_lowercase();
                self.have += 1;
            }
        }
        Ok(())
    }

    fn answered(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_found_in_one_head_and_not_in_two() {
        let cases = [
            (
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                true,
            ),
            (
                "transfer-encoding:chunked\nX: y\nCONTENT-LENGTH:5\n\n",
                true,
            ),
            (
                "Content-Length: 5\r\n\r\nTransfer-Encoding: chunked\r\n\r\n",
                false,
            ),
            (
                "Content-Length: 5\r\nX: Transfer-Encoding: chunked\r\n\r\n",
                false,
            ),
            ("Transfer-Encoding: chunked\r\n\r\n", false),
        ];
        for (head, expected) in cases {
            let text = format!("POST / HTTP/1.1\r\nHost: a\r\n{head}");
            for cut in [1, 7, text.len()] {
                let ambiguous = Ambiguous::default();
                let mut heads = Heads::telling(ambiguous.clone());
                for piece in text.as_bytes().chunks(cut) {
                    heads.heard(piece).unwrap();
                }
                assert_eq!(ambiguous.is_so(), expected, "{head:?} in pieces of {cut}");
            }
        }
    }
}
