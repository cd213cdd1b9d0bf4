//! Room for bodies on their way in. What has come of one waits in memory for the rest, and
//! whoever sends many and never the last byte must not fill it.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::problem::Problem;
use crate::kernel::{Error, Reason};

/// Bytes of half-arrived bodies that are in memory at once.
const MOST: usize = 64 * 1024 * 1024;
/// What any body may hold uncounted, about what its stream costs anyway: where large ones
/// have taken all the room, the usual small ones still get in.
const FREE: usize = 4 * 1024;

/// The room of all bodies together.
#[derive(Debug)]
pub struct Arriving(Semaphore);

impl Default for Arriving {
    fn default() -> Self {
        Self(Semaphore::new(MOST))
    }
}

impl Arriving {
    /// The room of one body, empty so far; given back when it is dropped.
    pub const fn room(&self) -> Room<'_> {
        Room {
            all: &self.0,
            taken: None,
        }
    }
}

/// What one body has taken.
#[derive(Debug)]
pub struct Room<'a> {
    all: &'a Semaphore,
    taken: Option<SemaphorePermit<'a>>,
}

impl Room<'_> {
    /// Makes room for so many bytes of the body in all.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED, as from a server that has too many calls, when there is none.
    pub fn reach(&mut self, bytes: usize) -> Result<(), Problem> {
        let taken = self.taken.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more = bytes.saturating_sub(FREE).saturating_sub(taken);
        let more = u32::try_from(more).map_err(|_| busy())?;
        if more == 0 {
            return Ok(());
        }
        let more = self.all.try_acquire_many(more).map_err(|_| busy())?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

fn busy() -> Problem {
    let error = Error::new(
        Reason::RateLimitExceeded,
        "the server is busy, try again in a moment",
    );
    error.retry_after(Duration::from_secs(1)).into()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::{FutureExt, StreamExt, stream};
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;
    use crate::edge::body::read_raw;

    fn of(bytes: usize) -> Arriving {
        Arriving(Semaphore::new(bytes))
    }

    #[test]
    fn room_is_taken_as_bytes_come_and_given_back() {
        let arriving = of(100);
        let (mut first, mut second) = (arriving.room(), arriving.room());
        first.reach(FREE).unwrap();
        first.reach(FREE + 60).unwrap();
        first.reach(FREE + 70).unwrap();
        second.reach(FREE + 30).unwrap();
        let refused = second.reach(FREE + 31).unwrap_err();
        assert_eq!(refused.reason(), "RATE_LIMIT_EXCEEDED");
        assert!(refused.retry_after().is_some());
        drop(first);
        second.reach(FREE + 100).unwrap();
        drop(second);
        assert_eq!(arriving.0.available_permits(), 100);
    }

    #[tokio::test]
    async fn bodies_without_an_end_fill_the_room_and_whole_ones_need_none() {
        let arriving = of(100);
        // Its last byte never comes.
        let endless = |bytes: usize| {
            let frame = Frame::data(Bytes::from(vec![b' '; bytes]));
            let frames = stream::iter([Ok::<_, Infallible>(frame)]);
            StreamBody::new(Box::pin(frames.chain(stream::pending())))
        };
        let mut first = Box::pin(read_raw(endless(FREE + 100), &arriving));
        assert!(first.as_mut().now_or_never().is_none());
        let refused = read_raw(endless(FREE + 1), &arriving).now_or_never();
        assert_eq!(
            refused.unwrap().unwrap_err().reason(),
            "RATE_LIMIT_EXCEEDED"
        );
        let mut small = Box::pin(read_raw(endless(FREE), &arriving));
        assert!(small.as_mut().now_or_never().is_none());
        let whole = Full::new(Bytes::from(vec![b' '; FREE * 2]));
        assert_eq!(read_raw(whole, &arriving).await.unwrap().len(), FREE * 2);
        drop(first);
        let mut again = Box::pin(read_raw(endless(FREE + 1), &arriving));
        assert!(again.as_mut().now_or_never().is_none());
    }
}
