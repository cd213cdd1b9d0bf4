//! Room for bodies on their way in. What has come of one waits in memory for the rest, and
//! whoever sends many and never the last byte must not fill it.

use std::net::IpAddr;

use http::Extensions;

use crate::kernel::network::Owner;
use crate::kernel::seats::{Seat, Seats};
use crate::kernel::{Error, Result};

/// So many bytes are counted as one.
const UNIT: usize = 4 * 1024;
/// Of half-arrived bodies that are in memory at once: 64 MiB.
const MOST: usize = 64 * 1024 * 1024 / UNIT;
/// Of those of one network: 2 MiB, eight of the largest.
const MOST_OF_NETWORK: usize = 2 * 1024 * 1024 / UNIT;
/// What any body may hold uncounted, about what its stream costs anyway: where large ones
/// have taken all the room, the usual small ones still get in.
const FREE: usize = UNIT;

/// The room of all bodies together.
#[derive(Debug)]
pub struct Arriving(Seats<IpAddr>);

impl Default for Arriving {
    fn default() -> Self {
        Self(Seats::new(MOST, MOST_OF_NETWORK))
    }
}

impl Arriving {
    /// The room of one body, empty so far; given back when it is dropped. `request` are the
    /// extensions of its request.
    pub fn room(&self, request: &Extensions) -> Room {
        let owner = request.get().and_then(|Owner(owner)| *owner);
        Room {
            seat: self.0.none(owner),
            taken: 0,
        }
    }
}

/// What one body has taken.
#[derive(Debug)]
pub struct Room {
    seat: Seat<IpAddr>,
    taken: usize,
}

impl Room {
    /// Makes room for so many bytes of the body in all.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED, as from a server that has too many calls, when there is none.
    pub fn reach(&mut self, bytes: usize) -> Result<()> {
        let units = bytes.saturating_sub(FREE).div_ceil(UNIT);
        let more = units.saturating_sub(self.taken);
        self.seat.grow(more).map_err(|_full| Error::busy())?;
        self.taken += more;
        Ok(())
    }
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
    use crate::kernel::Reason;

    fn of(units: usize, units_of_network: usize) -> Arriving {
        Arriving(Seats::new(units, units_of_network))
    }

    /// A request from 192.0.2.`last`.
    fn from(last: u8) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Owner(Some([192, 0, 2, last].into())));
        extensions
    }

    #[test]
    fn room_is_taken_as_bytes_come_and_given_back() {
        let arriving = of(10, 7);
        let (mut first, mut second) = (arriving.room(&from(1)), arriving.room(&from(2)));
        first.reach(FREE).unwrap();
        assert_eq!(arriving.0.count(), 0);
        first.reach(FREE + 6 * UNIT).unwrap();
        first.reach(FREE + 7 * UNIT).unwrap();
        second.reach(FREE + 3 * UNIT).unwrap();
        let refused = second.reach(FREE + 3 * UNIT + 1).unwrap_err();
        assert_eq!(refused.reason(), Reason::RateLimitExceeded);
        assert!(refused.retry_delay().is_some());
        drop(first);
        second.reach(FREE + 7 * UNIT).unwrap();
        // One network has no more, though there is room for others.
        second.reach(FREE + 8 * UNIT).unwrap_err();
        let mut nobodys = arriving.room(&Extensions::new());
        nobodys.reach(FREE + 3 * UNIT).unwrap();
        drop((second, nobodys));
        assert_eq!(arriving.0.count(), 0);
    }

    #[tokio::test]
    async fn bodies_without_an_end_fill_the_room_and_whole_ones_need_none() {
        let arriving = of(1, 1);
        // Its last byte never comes.
        let endless = |bytes: usize| {
            let frame = Frame::data(Bytes::from(vec![b' '; bytes]));
            let frames = stream::iter([Ok::<_, Infallible>(frame)]);
            let body = StreamBody::new(Box::pin(frames.chain(stream::pending())));
            Box::pin(read_raw(body, arriving.room(&from(1))))
        };
        let mut first = endless(FREE + UNIT);
        assert!(first.as_mut().now_or_never().is_none());
        let refused = endless(FREE + 1).now_or_never();
        assert_eq!(
            refused.unwrap().unwrap_err().reason(),
            "RATE_LIMIT_EXCEEDED"
        );
        assert!(endless(FREE).now_or_never().is_none());
        let whole = Full::new(Bytes::from(vec![b' '; FREE * 2]));
        let whole = read_raw(whole, arriving.room(&from(1))).await;
        assert_eq!(whole.unwrap().len(), FREE * 2);
        drop(first);
        assert!(endless(FREE + 1).now_or_never().is_none());
    }
}
