//! How many places are taken, in all and by one owner: connections by their addresses, large
//! requests by their users.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// The places. Clones share the count.
#[derive(Debug, Clone)]
pub(super) struct Seats<O>(Arc<Shared<O>>);

#[derive(Debug)]
struct Shared<O> {
    most: usize,
    most_of_owner: usize,
    taken: Mutex<Taken<O>>,
}

#[derive(Debug)]
struct Taken<O> {
    all: usize,
    by_owner: HashMap<O, usize>,
}

/// One place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat<O: Eq + Hash> {
    seats: Seats<O>,
    owner: Option<O>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// All are taken.
    InAll,
    /// Those of the owner are.
    OfOwner,
}

impl<O: Eq + Hash + Copy> Seats<O> {
    pub(super) fn new(most: usize, most_of_owner: usize) -> Self {
        let taken = Taken {
            all: 0,
            by_owner: HashMap::new(),
        };
        Self(Arc::new(Shared {
            most,
            most_of_owner,
            taken: Mutex::new(taken),
        }))
    }

    /// A place, or why there is none. Without an owner only the sum counts.
    pub(super) fn take(&self, owner: Option<O>) -> Result<Seat<O>, Full> {
        let mut taken = self.taken();
        if taken.all >= self.0.most {
            return Err(Full::InAll);
        }
        if let Some(owner) = owner {
            let own = taken.by_owner.entry(owner).or_default();
            if *own >= self.0.most_of_owner {
                return Err(Full::OfOwner);
            }
            *own += 1;
        }
        taken.all += 1;
        Ok(Seat {
            seats: self.clone(),
            owner,
        })
    }

    /// How many are taken.
    pub(super) fn count(&self) -> usize {
        self.taken().all
    }
}

impl<O> Seats<O> {
    fn taken(&self) -> std::sync::MutexGuard<'_, Taken<O>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O: Eq + Hash> Drop for Seat<O> {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all -= 1;
        if let Some(owner) = &self.owner
            && let Some(own) = taken.by_owner.get_mut(owner)
        {
            *own -= 1;
            if *own == 0 {
                taken.by_owner.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn places_are_counted_in_all_and_per_owner() {
        let seats = Seats::new(3, 2);
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = seats.take(Some(a)).unwrap();
        let _second = seats.take(Some(a)).unwrap();
        assert_eq!(seats.take(Some(a)).unwrap_err(), Full::OfOwner);
        let _third = seats.take(Some(b)).unwrap();
        assert_eq!(seats.take(None).unwrap_err(), Full::InAll);
        drop(first);
        assert!(seats.take(Some(a)).is_ok());
        assert_eq!(seats.taken().all, 2);
    }
}
