//! What must hold when the storm is over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use uuid::Uuid;

use crate::ledger::{Entry, Ledger};
use crate::post::Letter;
use crate::sink::Visit;
use crate::storm::Storm;
use crate::worker::{ATTEMPTS, BACKOFF, BACKOFF_MOST, PERIOD};

/// What the workers' clocks may differ by while they are set right.
const TOLERANCE: Duration = Duration::from_millis(20);

pub async fn compare(
    ledger: &Ledger,
    letters: &[Letter],
    visits: &[Visit],
    poison: &BTreeSet<usize>,
    storm: &Storm,
) {
    let entries = ledger.messages().await;
    let effects = ledger.traces("outbox_effects").await;
    nothing_is_missing(letters, &entries, &effects, visits);
    let repeats = repeats_are_few(letters, visits, storm);
    let numbers = entries.iter().map(|entry| (entry.id, entry.number));
    let numbers: HashMap<Uuid, i64> = numbers.collect();
    order_is_kept(letters, &numbers, &effects, visits, poison);
    let refused = ledger.traces("outbox_refused").await.len();
    if ledger.db.dialect() == souk::db::Dialect::Postgres {
        // A delivery may have come to its end just before the stop.
        assert!(
            refused * 2 > storm.stops,
            "{refused} late writes were refused"
        );
    }
    let waits = pauses_grow(visits, poison);
    let ticks = each_period_ran_once(ledger).await;
    println!(
        "{} visits, {repeats} repeats of {} at the most, {refused} late writes refused, {ticks} \
         scheduled runs; the longest pauses were {:?} to {:?}",
        visits.len(),
        storm.repeats_most(),
        waits.first().unwrap(),
        waits.last().unwrap(),
    );
}

/// Each message that was committed is done, had one effect, and reached the sink; and
/// nothing else did.
fn nothing_is_missing(letters: &[Letter], entries: &[Entry], effects: &[Uuid], visits: &[Visit]) {
    let posted: BTreeSet<Uuid> = letters.iter().map(|letter| letter.job.uuid()).collect();
    assert_eq!(posted.len(), letters.len());
    let done = entries.iter().filter(|entry| entry.state == "DONE");
    let done: BTreeSet<Uuid> = done.map(|entry| entry.id).collect();
    assert!(
        posted == done,
        "{} of {} are done",
        done.len(),
        posted.len()
    );
    let once: BTreeSet<Uuid> = effects.iter().copied().collect();
    assert_eq!(once.len(), effects.len(), "an effect happened twice");
    assert!(
        posted == once,
        "{} of {} had an effect",
        once.len(),
        posted.len()
    );
    let taken = visits.iter().filter(|visit| visit.accepted);
    let taken: BTreeSet<usize> = taken.map(|visit| visit.number).collect();
    let numbers: BTreeSet<usize> = letters.iter().map(|letter| letter.number).collect();
    assert!(
        taken == numbers,
        "the sink has other messages than were sent"
    );
}

/// A message that the sink took again had the same id, and there are few of them.
fn repeats_are_few(letters: &[Letter], visits: &[Visit], storm: &Storm) -> usize {
    let ids = letters
        .iter()
        .map(|letter| (letter.number, letter.job.to_string()));
    let ids: HashMap<usize, String> = ids.collect();
    for visit in visits {
        assert_eq!(visit.id, ids[&visit.number], "message {}", visit.number);
    }
    let taken = visits.iter().filter(|visit| visit.accepted).count();
    let repeats = taken - letters.len();
    assert!(repeats <= storm.repeats_most(), "{repeats} repeats");
    repeats
}

/// Numbers follow the order of commits, and effects and first deliveries follow the
/// numbers, within each key. What was replayed has lost its place.
fn order_is_kept(
    letters: &[Letter],
    numbers: &HashMap<Uuid, i64>,
    effects: &[Uuid],
    visits: &[Visit],
    poison: &BTreeSet<usize>,
) {
    let mut keys: BTreeMap<&str, Vec<&Letter>> = BTreeMap::new();
    for letter in letters.iter().filter(|it| !poison.contains(&it.number)) {
        if let Some(key) = &letter.key {
            keys.entry(key).or_default().push(letter);
        }
    }
    let place = |(place, job): (usize, &Uuid)| (*job, place);
    let effect: HashMap<Uuid, usize> = effects.iter().enumerate().map(place).collect();
    let mut taken: Vec<&Visit> = visits.iter().filter(|visit| visit.accepted).collect();
    taken.sort_by_key(|visit| std::cmp::Reverse(visit.came));
    let first: HashMap<usize, _> = taken.iter().map(|it| (it.number, it.came)).collect();
    for (key, mut letters) in keys {
        letters.sort_by_key(|letter| numbers[&letter.job.uuid()]);
        for pair in letters.windows(2) {
            let (one, next) = (pair[0], pair[1]);
            let same = one.began == next.began;
            let (earlier, later) = (one.job.uuid(), next.job.uuid());
            let between = format!("{} and {} of {key}", one.number, next.number);
            assert!(
                if same {
                    one.place < next.place
                } else {
                    one.began < next.committed
                },
                "{between} were numbered against their commits"
            );
            assert!(
                effect[&earlier] < effect[&later],
                "{between} had effects in disorder"
            );
            assert!(
                first[&one.number] < first[&next.number],
                "{between} arrived in disorder"
            );
        }
    }
}

/// After each failure a message stays away at least as long as it must, and longer with
/// each further one. Gives the longest of the pauses, sorted: chance spreads them.
fn pauses_grow(visits: &[Visit], poison: &BTreeSet<usize>) -> Vec<Duration> {
    let mut tries: HashMap<usize, BTreeMap<i32, &Visit>> = HashMap::new();
    for visit in visits {
        tries
            .entry(visit.number)
            .or_default()
            .insert(visit.attempt, visit);
    }
    let mut longest = Vec::new();
    for (number, tries) in &tries {
        for (attempt, visit) in tries.iter().filter(|(_, visit)| !visit.accepted) {
            // The last try is followed by none, unless by an operator's wish.
            let Some(next) = tries.get(&(attempt + 1)).filter(|_| *attempt < ATTEMPTS) else {
                continue;
            };
            // Its worker was stopped between the claim and the try, and others went on.
            if visit.came > next.came {
                continue;
            }
            let must = BACKOFF.saturating_mul(1 << (attempt - 1)).min(BACKOFF_MOST);
            let stayed = next.came.saturating_duration_since(visit.answered);
            assert!(
                stayed + TOLERANCE >= must,
                "message {number} came back after {stayed:?}, {must:?} were due"
            );
            if must == BACKOFF_MOST && poison.contains(number) {
                longest.push(stayed);
            }
        }
    }
    longest.sort();
    let (Some(shortest), Some(most)) = (longest.first(), longest.last()) else {
        panic!("nothing failed often enough");
    };
    assert!(
        *most - *shortest > BACKOFF_MOST / 20,
        "the pauses are all alike"
    );
    longest
}

/// Of all processes one began each period of the schedule, and its one run had one effect.
async fn each_period_ran_once(ledger: &Ledger) -> usize {
    let sql = "SELECT next_run_at, last_run_at FROM outbox_periods ORDER BY next_run_at";
    let periods: Vec<(i64, i64)> = ledger
        .rows(sql)
        .await
        .iter()
        .map(|row| {
            (
                row.try_get_by_index(0).unwrap(),
                row.try_get_by_index(1).unwrap(),
            )
        })
        .collect();
    for pair in periods.windows(2) {
        let apart = pair[1].0 - pair[0].0;
        assert!(
            apart >= PERIOD.as_micros() as i64,
            "periods {apart} µs apart"
        );
    }
    let sql = "SELECT id, created_at FROM jobs WHERE kind = 'outbox.tick' AND state = 'DONE'";
    let rows = ledger.rows(sql).await;
    let runs: BTreeMap<i64, Uuid> = rows
        .iter()
        .map(|row| {
            (
                row.try_get("", "created_at").unwrap(),
                row.try_get("", "id").unwrap(),
            )
        })
        .collect();
    assert_eq!(runs.len(), rows.len(), "one period had two runs");
    let begun: BTreeSet<i64> = periods.iter().map(|(_, last)| *last).collect();
    assert!(
        runs.keys().all(|at| begun.contains(at)),
        "a run of no period"
    );
    let ticks = ledger.traces("outbox_ticks").await;
    let once: BTreeSet<Uuid> = ticks.iter().copied().collect();
    assert_eq!(once.len(), ticks.len(), "a scheduled run had two effects");
    assert!(runs.values().all(|id| once.contains(id)));
    assert!(!runs.is_empty(), "the schedule never ran");
    runs.len()
}
