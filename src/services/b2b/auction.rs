//! Bids of an auction: which are taken, and who leads then. Pure.
//!
//! Every bid rises above the one before by at least the increment. A bidder may name a
//! maximum, up to which the marketplace bids for the bidder, only as far as it must: who
//! came first keeps the lead unless somebody outbids that maximum by the increment. While
//! a reserve price is not reached, the leader's maximum reaches for it.

/// Where an auction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The smallest first bid.
    pub base: i64,
    /// By how much each bid rises at least.
    pub increment: i64,
    /// Below this nothing is sold.
    pub reserve: Option<i64>,
    /// The highest bidder.
    pub leader: Option<Bidder>,
}

/// A bidder with the highest bid, or a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bidder {
    /// The bidder's number in the auction.
    pub number: i32,
    /// What is bid.
    pub amount: i64,
    /// Up to what the marketplace bids for the bidder; at least `amount`.
    pub most: i64,
}

/// One bid that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Whose.
    pub number: i32,
    /// What is bid.
    pub amount: i64,
    /// Whether the marketplace bid for the bidder.
    pub automatic: bool,
}

/// The bids that a new one leads to, in their order: the last one leads. None of them when
/// the leader changes only the maximum. Nothing when the bid is too low.
pub fn take(standing: &Standing, new: &Bidder) -> Option<Vec<Step>> {
    let mut bids = Bids {
        increment: standing.increment,
        steps: Vec::new(),
    };
    match standing.leader {
        None if new.amount < standing.base => return None,
        Some(leader) if leader.number == new.number && leader.amount == new.amount => {}
        Some(leader) if new.amount < bids.above(leader.amount) => return None,
        _ => bids.push(new.number, new.amount, false),
    }
    let rival = standing.leader.filter(|one| one.number != new.number);
    let mut ahead = *new;
    if let Some(rival) = rival
        && bids.answer(new, &rival)
    {
        ahead = rival;
    }
    if let Some(reserve) = standing.reserve {
        let now = bids.steps.last().map_or(new.amount, |step| step.amount);
        let reach = Ord::max(reserve, bids.above(now));
        if now < reserve && ahead.most >= reach {
            bids.push(ahead.number, reach, true);
        }
    }
    Some(bids.steps)
}

struct Bids {
    increment: i64,
    steps: Vec<Step>,
}

impl Bids {
    /// The smallest bid that outbids an amount.
    const fn above(&self, amount: i64) -> i64 {
        amount.saturating_add(self.increment)
    }

    fn push(&mut self, number: i32, amount: i64, automatic: bool) {
        self.steps.push(Step {
            number,
            amount,
            automatic,
        });
    }

    /// Lets the leader's maximum answer a new bid, and the new one's maximum that; whether
    /// the leader is ahead in the end.
    fn answer(&mut self, new: &Bidder, leader: &Bidder) -> bool {
        if leader.most < self.above(new.amount) {
            return false;
        }
        if new.most >= self.above(leader.most) {
            self.push(leader.number, leader.most, true);
            self.push(new.number, self.above(leader.most), true);
            return false;
        }
        let challenge = match new.most >= self.above(new.amount) {
            true => new.most,
            false => new.amount,
        };
        if leader.most < self.above(challenge) {
            // Neither can outbid the other's maximum: who came first is ahead.
            self.push(leader.number, leader.most, true);
            return true;
        }
        if challenge > new.amount {
            self.push(new.number, challenge, true);
        }
        self.push(leader.number, self.above(challenge), true);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn bidder(number: i32, amount: i64, most: i64) -> Bidder {
        Bidder {
            number,
            amount,
            most,
        }
    }

    const fn standing(leader: Option<Bidder>) -> Standing {
        Standing {
            base: 100,
            increment: 10,
            reserve: None,
            leader,
        }
    }

    /// A bid: whose, the amount, and whether it is automatic.
    type Taken = (i32, i64, bool);

    fn taken(standing: &Standing, new: &Bidder) -> Option<Vec<Taken>> {
        let bids = take(standing, new)?.into_iter();
        Some(
            bids.map(|bid| (bid.number, bid.amount, bid.automatic))
                .collect(),
        )
    }

    #[test]
    fn bids_rise_from_the_base_price_by_the_increment() {
        let first = standing(None);
        assert_eq!(taken(&first, &bidder(1, 99, 99)), None);
        assert_eq!(
            taken(&first, &bidder(1, 100, 100)),
            Some(vec![(1, 100, false)])
        );
        let later = standing(Some(bidder(1, 100, 100)));
        assert_eq!(taken(&later, &bidder(2, 100, 100)), None);
        assert_eq!(taken(&later, &bidder(2, 109, 500)), None);
        assert_eq!(
            taken(&later, &bidder(2, 110, 110)),
            Some(vec![(2, 110, false)])
        );
        // The leader raises, or changes only the maximum.
        assert_eq!(
            taken(&later, &bidder(1, 120, 120)),
            Some(vec![(1, 120, false)])
        );
        assert_eq!(taken(&later, &bidder(1, 100, 300)), Some(vec![]));
        assert_eq!(taken(&later, &bidder(1, 105, 300)), None);
    }

    #[test]
    fn maxima_answer_each_other_only_as_far_as_they_must() {
        // Leader's maximum, new bid, its maximum, and the bids.
        let cases: [(i64, i64, i64, Vec<Taken>); 7] = [
            (200, 150, 150, vec![(2, 150, false), (1, 160, true)]),
            (
                200,
                150,
                180,
                vec![(2, 150, false), (2, 180, true), (1, 190, true)],
            ),
            (200, 150, 195, vec![(2, 150, false), (1, 200, true)]),
            (200, 150, 200, vec![(2, 150, false), (1, 200, true)]),
            (200, 150, 209, vec![(2, 150, false), (1, 200, true)]),
            (
                200,
                150,
                300,
                vec![(2, 150, false), (1, 200, true), (2, 210, true)],
            ),
            (200, 195, 195, vec![(2, 195, false)]),
        ];
        for (most, amount, up_to, expected) in cases {
            let standing = standing(Some(bidder(1, 100, most)));
            let new = bidder(2, amount, up_to);
            assert_eq!(taken(&standing, &new), Some(expected), "{most} {new:?}");
        }
    }

    #[test]
    fn a_maximum_reaches_for_the_reserve_price() {
        let hidden = |leader| Standing {
            reserve: Some(250),
            ..standing(leader)
        };
        assert_eq!(
            taken(&hidden(None), &bidder(1, 100, 300)),
            Some(vec![(1, 100, false), (1, 250, true)])
        );
        assert_eq!(
            taken(&hidden(None), &bidder(1, 100, 249)),
            Some(vec![(1, 100, false)])
        );
        let leader = Some(bidder(1, 100, 100));
        assert_eq!(
            taken(&hidden(leader), &bidder(1, 100, 250)),
            Some(vec![(1, 250, true)])
        );
        assert_eq!(
            taken(&hidden(leader), &bidder(2, 245, 252)),
            Some(vec![(2, 245, false)])
        );
    }

    proptest! {
        #[test]
        fn bids_always_rise_and_nobody_pays_more_than_wanted(
            bids in prop::collection::vec((1i32..6, 1i64..400, 0i64..400), 1..40),
            increment in 1i64..30,
            reserve in prop::option::of(100i64..400),
        ) {
            let mut standing = Standing { base: 50, increment, reserve, leader: None };
            let mut last = None;
            for (number, amount, more) in bids {
                let new = bidder(number, amount, amount + more);
                let Some(steps) = take(&standing, &new) else {
                    let least = last.map_or(50, |last| last + increment);
                    prop_assert!(amount < least);
                    continue;
                };
                let mut leader = standing.leader;
                for step in &steps {
                    let least = last.map_or(50, |last| last + increment);
                    prop_assert!(step.amount >= least);
                    let of = if step.number == number { new } else { leader.unwrap() };
                    prop_assert_eq!(of.number, step.number);
                    prop_assert!(step.amount <= of.most);
                    last = Some(step.amount);
                }
                if let Some(step) = steps.last() {
                    let most = if step.number == number { new.most } else { leader.unwrap().most };
                    leader = Some(bidder(step.number, step.amount, most));
                } else {
                    leader = leader.map(|leader| Bidder { most: new.most, ..leader });
                }
                // Who leads could not be outbid by the one who does not.
                if let (Some(ahead), Some(before)) = (leader, standing.leader) {
                    let behind = if ahead.number == number { before } else { new };
                    if behind.number != ahead.number {
                        prop_assert!(behind.most < ahead.amount + increment);
                    }
                }
                standing.leader = leader;
            }
        }
    }
}
