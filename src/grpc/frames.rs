//! HTTP/2 frames that cost the server and bring the client nothing: floods of PING,
//! SETTINGS, WINDOW_UPDATE and their like, and frames that never end. The library answers
//! them without end, so they are counted before it sees them.

use std::io;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::overhear::Ear;

/// Frames that steer the connection and may come without any call.
const ALLOWANCE: u32 = 2_000;
/// As many come back in a second.
const REFILL: u32 = 100;
/// As many a new call brings: it opens, is given room, may be cancelled.
const PER_CALL: u32 = 10;
/// Bytes of answers for which a reader may send one: it makes room for more, and measures
/// the line with a PING. An answered PING has 17 bytes and earns none.
const ANSWERED: u32 = 64;
/// How long a client may take to send one frame.
const FRAME_TIME: Duration = Duration::from_secs(10);

const HEAD: usize = 9;
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;

/// Counts the frames of one connection.
pub(super) struct Frames {
    /// Bytes until the next frame begins.
    skip: usize,
    head: [u8; HEAD],
    have: usize,
    /// The head of a call is not complete.
    in_headers: bool,
    allowance: u32,
    answered: u32,
    refilled: Instant,
    /// Since when a frame, or the head of a call, is incomplete.
    incomplete: Option<Instant>,
    /// Is told that the preface is there.
    begun: Option<oneshot::Sender<()>>,
}

impl Frames {
    /// For a connection that begins with `preface` bytes that are no frame; `begun` is told
    /// when they are there.
    pub(super) fn after(preface: usize, begun: oneshot::Sender<()>) -> Self {
        Self {
            skip: preface,
            head: [0; HEAD],
            have: 0,
            in_headers: false,
            allowance: ALLOWANCE,
            answered: 0,
            refilled: Instant::now(),
            incomplete: None,
            begun: Some(begun),
        }
    }

    /// Takes the frame whose head is complete.
    fn begin(&mut self, now: Instant) -> io::Result<()> {
        let [a, b, c, kind, flags, ..] = self.head;
        self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
        self.have = 0;
        // A frame that begins tells that the one before is there.
        self.incomplete = self.incomplete.filter(|_| self.in_headers);
        match kind {
            DATA => {}
            HEADERS => {
                self.in_headers = flags & END_HEADERS == 0;
                self.earn(PER_CALL);
            }
            CONTINUATION => self.in_headers = flags & END_HEADERS == 0,
            _ => self.spend(now)?,
        }
        Ok(())
    }

    fn hear(&mut self, mut bytes: &[u8], now: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let skipped = Ord::min(self.skip, bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if self.skip == 0
                && let Some(begun) = self.begun.take()
            {
                // Nobody may wait for it.
                begun.send(()).ok();
            }
            let taken = Ord::min(HEAD - self.have, bytes.len());
            self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == HEAD {
                self.begin(now)?;
            }
        }
        self.keep_time(now)
    }

    fn earn(&mut self, frames: u32) {
        self.allowance = self.allowance.saturating_add(frames).min(ALLOWANCE);
    }

    fn spend(&mut self, now: Instant) -> io::Result<()> {
        if self.allowance == 0 {
            let millis = now.duration_since(self.refilled).as_millis();
            let frames = millis.saturating_mul(u128::from(REFILL)) / 1000;
            if frames > 0 {
                self.refilled = now;
                self.earn(u32::try_from(frames).unwrap_or(ALLOWANCE));
            }
        }
        self.allowance = self
            .allowance
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("a flood of frames that steer and carry nothing"))?;
        Ok(())
    }

    /// Bounds the time between the two ends of something incomplete.
    fn keep_time(&mut self, now: Instant) -> io::Result<()> {
        if self.skip == 0 && self.have == 0 && !self.in_headers {
            self.incomplete = None;
            return Ok(());
        }
        match self.incomplete {
            None => self.incomplete = Some(now),
            Some(since) if now.duration_since(since) > FRAME_TIME => {
                return Err(io::Error::other("a frame that does not end"));
            }
            Some(_) => {}
        }
        Ok(())
    }
}

impl Ear for Frames {
    fn heard(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hear(bytes, Instant::now())
    }

    fn answered(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.answered = self.answered.saturating_add(bytes);
        if self.answered >= ANSWERED {
            self.earn(self.answered / ANSWERED);
            self.answered = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 0x6;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![0, 0, payload as u8, kind, flags, 0, 0, 0, 0];
        frame.resize(HEAD + payload, 7);
        frame
    }

    fn listening() -> Frames {
        let (begun, mut is_told) = oneshot::channel();
        let mut frames = Frames::after(24, begun);
        frames.heard(&[b'P'; 23]).unwrap();
        assert!(is_told.try_recv().is_err());
        frames.heard(b"P").unwrap();
        assert!(is_told.try_recv().is_ok());
        frames
    }

    /// How many PINGs of so many pass at `now`.
    fn pings(frames: &mut Frames, now: Instant, many: u32) -> u32 {
        let ping = frame(PING, 0, 8);
        let passed = (0..many).take_while(|_| frames.hear(&ping, now).is_ok());
        passed.count() as u32
    }

    #[test]
    fn a_flood_is_cut_and_time_forgives() {
        let mut frames = listening();
        let now = frames.refilled;
        assert_eq!(pings(&mut frames, now, ALLOWANCE), ALLOWANCE);
        let later = now + Duration::from_secs(2);
        assert_eq!(pings(&mut frames, later, 10_000), 2 * REFILL);
    }

    #[test]
    fn who_calls_and_reads_may_steer() {
        let mut frames = listening();
        let (ping, now) = (frame(PING, 0, 8), frames.refilled);
        for _ in 0..5_000 {
            let call = frame(HEADERS, END_HEADERS, 30);
            frames.hear(&call, now).unwrap();
            frames.hear(&ping, now).unwrap();
        }
        for _ in 0..5_000 {
            frames.answered(4_096);
            frames.hear(&ping, now).unwrap();
        }
        // The answers to pings are no reading: 17 bytes each earn less than they cost.
        let flood = (0..10_000).take_while(|_| {
            frames.answered(17);
            frames.hear(&ping, now).is_ok()
        });
        assert!(flood.count() < 2 * ALLOWANCE as usize);
    }

    #[test]
    fn frames_are_found_wherever_the_bytes_are_cut() {
        let mut bytes = vec![b'P'; 24];
        for _ in 0..3 {
            bytes.extend(frame(PING, 0, 8));
            bytes.extend(frame(DATA, 0, 200));
        }
        for cut in 1..60 {
            let mut frames = Frames::after(24, oneshot::channel().0);
            for piece in bytes.chunks(cut) {
                frames.heard(piece).unwrap();
            }
            assert_eq!(frames.allowance, ALLOWANCE - 3, "cut at {cut}");
        }
    }

    #[test]
    fn a_head_that_drips_is_cut() {
        for drip in [
            frame(CONTINUATION, 0, 1),
            frame(HEADERS, END_HEADERS, 200)[..1].to_vec(),
        ] {
            let mut frames = listening();
            let after = |seconds| frames.refilled + Duration::from_secs(seconds);
            let (now, soon, late) = (after(0), after(6), after(12));
            frames.hear(&frame(HEADERS, 0, 10), now).unwrap();
            frames.hear(&drip, soon).unwrap();
            assert!(frames.hear(&drip, late).is_err());
        }
    }

    #[test]
    fn a_slow_client_may_send_many_frames() {
        let mut frames = listening();
        let mut now = frames.refilled;
        for _ in 0..10 {
            let data = frame(DATA, 0, 200);
            frames.hear(&data[..100], now).unwrap();
            now += Duration::from_secs(6);
            frames.hear(&data[100..], now).unwrap();
        }
    }
}
