//! How many places are taken, in all and by one owner: connections and what arrives over
//! them by their networks, large requests by their users.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// The places. Clones share the count.
#[derive(Debug, Clone)]
pub struct Seats<O>(Arc<Shared<O>>);

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

/// Places that are taken, free again when it is dropped.
#[derive(Debug)]
pub struct Seat<O: Eq + Hash> {
    seats: Seats<O>,
    owner: Option<O>,
    places: usize,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    InAll,
    /// Those of the owner are.
    OfOwner,
}

impl<O: Eq + Hash + Copy> Seats<O> {
    /// So many places, of which one owner may have some.
    pub fn new(most: usize, most_of_owner: usize) -> Self {
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
    ///
    /// # Errors
    /// [`Full`].
    pub fn take(&self, owner: Option<O>) -> Result<Seat<O>, Full> {
        let mut seat = self.none(owner);
        seat.grow(1)?;
        Ok(seat)
    }

    /// No place yet, for what may need some.
    pub fn none(&self, owner: Option<O>) -> Seat<O> {
        Seat {
            seats: self.clone(),
            owner,
            places: 0,
        }
    }

    /// How many are taken.
    pub fn count(&self) -> usize {
        self.taken().all
    }
}

impl<O> Seats<O> {
    fn taken(&self) -> std::sync::MutexGuard<'_, Taken<O>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O: Eq + Hash + Copy> Seat<O> {
    /// Takes so many places more, or none of them.
    ///
    /// # Errors
    /// [`Full`].
    pub fn grow(&mut self, more: usize) -> Result<(), Full> {
        let shared = &self.seats.0;
        let mut taken = self.seats.taken();
        if taken.all + more > shared.most {
            return Err(Full::InAll);
        }
        if let Some(owner) = self.owner {
            let own = taken.by_owner.entry(owner).or_default();
            if *own + more > shared.most_of_owner {
                return Err(Full::OfOwner);
            }
            *own += more;
        }
        taken.all += more;
        self.places += more;
        Ok(())
    }
}

impl<O: Eq + Hash> Drop for Seat<O> {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all -= self.places;
        if let Some(owner) = &self.owner
            && let Some(own) = taken.by_owner.get_mut(owner)
        {
            *own -= self.places;
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

    #[test]
    fn one_may_take_several_and_gives_all_of_them_back() {
        let seats = Seats::new(5, 3);
        let mut large = seats.take(Some(1)).unwrap();
        assert_eq!(large.grow(3), Err(Full::OfOwner));
        large.grow(2).unwrap();
        assert_eq!(seats.take(Some(1)).unwrap_err(), Full::OfOwner);
        let mut other = seats.take(Some(2)).unwrap();
        assert_eq!(other.grow(2), Err(Full::InAll));
        drop(large);
        other.grow(2).unwrap();
        assert_eq!(seats.count(), 3);
        drop(other);
        assert!(seats.taken().by_owner.is_empty());
    }
}
