//! How many streams are open: of each user, of each address that nobody signed in from,
//! and in all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::config::Limits;
use crate::kernel::network::network;
use crate::kernel::{Caller, Error, Reason, Result};

/// When a caller may ask again after the whole process was full.
const RETRY: Duration = Duration::from_secs(1);

/// The open streams. Clones share the count.
#[derive(Debug, Clone)]
pub(super) struct Streams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    most_per_user: usize,
    most_per_ip: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_owner: HashMap<Owner, usize>,
}

/// Whose streams are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    User(Uuid),
    Address(IpAddr),
}

/// The place of one stream, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    streams: Streams,
    owner: Option<Owner>,
}

impl Streams {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Shared {
            most: limits.streams,
            most_per_user: limits.streams_per_user,
            most_per_ip: limits.streams_per_ip,
            open: Mutex::default(),
        }))
    }

    /// A place for a stream of the caller; without a sign-in the address counts.
    ///
    /// # Errors
    /// STREAM_LIMIT_EXCEEDED with the limit that is reached as metadata.
    pub(super) fn take(&self, caller: &Caller, ip: Option<IpAddr>) -> Result<Place> {
        let shared = &*self.0;
        let (owner, most_own) = match (caller.user_id(), ip) {
            (Some(user), _) => (Some(Owner::User(user.uuid())), shared.most_per_user),
            (None, Some(ip)) => (Some(Owner::Address(network(ip))), shared.most_per_ip),
            (None, None) => (None, shared.most),
        };
        let mut open = self.open();
        if open.all >= shared.most {
            let full = refusal("the server has no room for another stream", shared.most);
            return Err(full.retry_after(RETRY));
        }
        if let Some(owner) = owner {
            let own = open.by_owner.entry(owner).or_default();
            if *own >= most_own {
                return Err(refusal("too many open streams, close one first", most_own));
            }
            *own += 1;
        }
        open.all += 1;
        Ok(Place {
            streams: self.clone(),
            owner,
        })
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.open().all
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(message: &'static str, limit: usize) -> Error {
    Error::new(Reason::StreamLimitExceeded, message).with("limit", limit.to_string())
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        open.all -= 1;
        if let Some(owner) = self.owner
            && let Some(own) = open.by_owner.get_mut(&owner)
        {
            *own -= 1;
            if *own == 0 {
                open.by_owner.remove(&owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Streams {
        Streams::new(&Limits {
            streams: 3,
            streams_per_ip: 2,
            ..Limits::default()
        })
    }

    #[test]
    fn places_are_counted_per_address_and_in_all_and_given_back() {
        let streams = streams();
        let take = |last: u8| {
            let ip = IpAddr::from([192, 0, 2, last]);
            streams.take(&Caller::Anonymous, Some(ip))
        };
        let first = take(1).unwrap();
        let _second = take(1).unwrap();
        let refused = take(1).unwrap_err();
        assert_eq!(refused.reason(), Reason::StreamLimitExceeded);
        assert_eq!(refused.metadata()["limit"], "2");
        let _third = take(2).unwrap();
        let refused = take(3).unwrap_err();
        assert_eq!(refused.metadata()["limit"], "3");
        assert!(refused.retry_delay().is_some());
        drop(first);
        let _fourth = take(1).unwrap();
        assert_eq!(streams.count(), 3);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let streams = streams();
        let take = |ip: &str| streams.take(&Caller::Anonymous, Some(ip.parse().unwrap()));
        let _first = take("2001:db8::1").unwrap();
        let _second = take("2001:db8::2").unwrap();
        assert!(take("2001:db8::3").is_err());
        assert!(take("2001:db8:0:1::1").is_ok());
    }
}
