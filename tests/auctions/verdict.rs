//! What is demanded of the lots of a round.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;

use crate::ledger::{Entry, Ledger};
use crate::lot::Sale;

/// How late a lot may close, in microseconds: twice the aim of two seconds, because machines
/// differ.
const LATE: i64 = 4_000_000;
/// The same where a process was killed just then: a job of the dead waits until its lease is
/// over. Twice the aim of five seconds, and two for the start of the only process on SQLite.
const LATE_AFTER_KILL: i64 = 12_000_000;

/// What a round was like.
#[derive(Default)]
pub struct Verdict {
    taken: usize,
    logged: usize,
    extensions: i32,
    resumed: usize,
    refusals: BTreeMap<String, usize>,
    outcomes: BTreeMap<String, usize>,
    /// How late each lot closed that a kill was on.
    late_after_kill: Vec<i64>,
    /// How late each lot closed that no kill was on.
    late: Vec<i64>,
    kills: usize,
}

/// Judges a round; what is wrong ends the test.
pub fn judge(sales: &[Sale], kills: &[RangeInclusive<i64>], ledger: &Ledger) -> Verdict {
    let mut verdict = Verdict {
        kills: kills.len(),
        ..Verdict::default()
    };
    for sale in sales {
        let entry = ledger.of(&sale.id);
        answers_are_the_log(sale, entry, &mut verdict);
        stream_is_the_log(sale, entry);
        let late = entry.ended_at - entry.ends_at;
        let was_killed = kills
            .iter()
            .any(|kill| kill.contains(&entry.ends_at) || kill.contains(&(entry.ends_at + LATE)));
        assert!(late >= 0, "{} closed early", sale.id);
        let (most, told) = match was_killed {
            true => (LATE_AFTER_KILL, &mut verdict.late_after_kill),
            false => (LATE, &mut verdict.late),
        };
        assert!(
            late <= most,
            "{} closed {late} µs late: {:#?}",
            sale.id,
            entry.jobs
        );
        told.push(late);
        verdict.logged += entry.bids.len();
        verdict.extensions += entry.extensions;
        verdict.resumed += sale.heard.resumed;
        *verdict.outcomes.entry(entry.outcome.clone()).or_default() += 1;
    }
    verdict
}

/// Who was told that a bid is taken has it in the log, once, and nobody else has.
fn answers_are_the_log(sale: &Sale, entry: &Entry, verdict: &mut Verdict) {
    let by_hand = entry.bids.iter().filter(|bid| !bid.3);
    let by_hand: BTreeSet<(i32, i64)> = by_hand.map(|bid| (bid.1, bid.2)).collect();
    let mut told = BTreeSet::new();
    for act in &sale.acts {
        match &act.answer {
            Ok(bidder) => {
                verdict.taken += 1;
                // A leader who names the same amount again changes the maximum alone.
                told.insert((*bidder, act.amount));
                let of = format!("{} of bidder {bidder}, {}", act.amount, sale.id);
                let mut known = entry.bids.iter().map(|bid| (bid.1, bid.2));
                assert!(
                    known.any(|bid| bid == (*bidder, act.amount)),
                    "taken and not in the log: {of}"
                );
            }
            Err(why) => *verdict.refusals.entry(why.clone()).or_default() += 1,
        }
    }
    let untold: Vec<_> = by_hand.difference(&told).collect();
    assert!(
        untold.is_empty(),
        "{}: nobody was told of {untold:?}",
        sale.id
    );
    assert!(entry.bids.is_sorted_by(|one, next| one.2 < next.2));
}

/// The stream told every bid in its order, every version once, and one end.
fn stream_is_the_log(sale: &Sale, entry: &Entry) {
    let heard = &sale.heard;
    assert_eq!(heard.bids, entry.bids, "{} and its stream", sale.id);
    let is_whole = heard.versions.windows(2).all(|two| two[0] + 1 == two[1]);
    assert!(is_whole, "{}: {:?}", sale.id, heard.versions);
    assert_eq!(heard.ends.len(), 1, "{} ends once", sale.id);
    assert!(["SOLD", "EXPIRED"].contains(&entry.status.as_str()));
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut late = self.late.clone();
        late.sort_unstable();
        let at = |part: usize| late.get((late.len() * part / 100).min(late.len() - 1));
        let millis = |part| at(part).map_or(0, |late| late / 1_000);
        write!(
            f,
            "{} bids taken, {} in the logs, {} extensions, refused {:?}, ended {:?}, \
             closed {} ms late (median), {} ms (the latest), {} kills, with which {} lots closed, \
             {} ms late (the latest), {} streams resumed",
            self.taken,
            self.logged,
            self.extensions,
            self.refusals,
            self.outcomes,
            millis(50),
            millis(100),
            self.kills,
            self.late_after_kill.len(),
            self.late_after_kill.iter().max().unwrap_or(&0) / 1_000,
            self.resumed,
        )
    }
}
