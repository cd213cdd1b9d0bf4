//! How many connections are open, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The open connections. Clones share the count.
#[derive(Debug, Clone)]
pub(super) struct Seats(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    most_per_ip: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_ip: HashMap<IpAddr, usize>,
}

/// The place of one connection, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    ip: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// All are taken.
    InAll,
    /// Those of the address are.
    OfAddress,
}

impl Seats {
    pub(super) fn new(most: usize, most_per_ip: usize) -> Self {
        Self(Arc::new(Shared {
            most,
            most_per_ip,
            taken: Mutex::default(),
        }))
    }

    /// A place, or why there is none. Without an address only the sum counts.
    pub(super) fn take(&self, ip: Option<IpAddr>) -> Result<Seat, Full> {
        let mut taken = self.taken();
        if taken.all >= self.0.most {
            return Err(Full::InAll);
        }
        if let Some(ip) = ip {
            let own = taken.by_ip.entry(ip).or_default();
            if *own >= self.0.most_per_ip {
                return Err(Full::OfAddress);
            }
            *own += 1;
        }
        taken.all += 1;
        Ok(Seat {
            seats: self.clone(),
            ip,
        })
    }

    /// How many are taken.
    pub(super) fn count(&self) -> usize {
        self.taken().all
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all -= 1;
        if let Some(ip) = self.ip
            && let Some(own) = taken.by_ip.get_mut(&ip)
        {
            *own -= 1;
            if *own == 0 {
                taken.by_ip.remove(&ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_all_and_per_address() {
        let seats = Seats::new(3, 2);
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = seats.take(Some(a)).unwrap();
        let _second = seats.take(Some(a)).unwrap();
        assert_eq!(seats.take(Some(a)).unwrap_err(), Full::OfAddress);
        let _third = seats.take(Some(b)).unwrap();
        assert_eq!(seats.take(None).unwrap_err(), Full::InAll);
        drop(first);
        assert!(seats.take(Some(a)).is_ok());
        assert_eq!(seats.taken().all, 2);
    }
}
