//! Those who may: let in, within the budget of statements, told no more than the tables
//! of fields say; and fields that the contract does not know have no effect.

use futures_util::{StreamExt, stream};
use tonic::Code;

use super::fields::{Seen, Told};
use super::market::{Market, told};
use super::matrix::{Row, Who, rows};
use super::{assert_nothing, budgets, is_read};
use crate::support::raw::method;

/// What a field that the contract does not know carries.
const SMUGGLED: &str = "smuggled past the contract";
/// Markets that are played in at once.
const AT_ONCE: usize = 4;

/// What the play of a row found.
#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    seen: Seen,
}

#[tokio::test]
async fn who_may_is_let_in_and_told_what_the_tables_say() {
    let (reads, writes): (Vec<_>, Vec<_>) = rows().partition(|row| is_read(row.rpc));
    let (plain, stepped): (Vec<_>, Vec<_>) = reads
        .into_iter()
        .partition(|row: &&Row| row.steps.is_empty());
    let mut table = Told::default();
    let mut wrong = Vec::new();
    let mut market = Market::open().await;
    for row in plain {
        // Nothing changes, so one database does for all; with cold caches each.
        market = market.reopen().await;
        let before = market.rows().await;
        let mut found = Found::default();
        play(&mut market, row, row.allowed, &mut found).await;
        let mut after = before;
        let changes = market.changes(&mut after).await;
        wrong.extend(changes.map(|it| format!("{}, a read, {it}", row.rpc)));
        wrong.append(&mut found.wrong);
        table.add(row, found.seen);
    }
    market.close().await;
    let writes = writes.into_iter().chain(stepped);
    let mut found = stream::iter(writes.map(fresh)).buffered(AT_ONCE);
    while let Some((row, mut found)) = found.next().await {
        wrong.append(&mut found.wrong);
        table.add(row, found.seen);
    }
    wrong.extend(table.compare());
    assert_nothing(&wrong);
}

/// Plays a row that changes something, in a market of its own.
async fn fresh(row: &'static Row) -> (&'static Row, Found) {
    let mut found = Found::default();
    let turns = match row.alone {
        true => row.allowed.chunks(1),
        false => row.allowed.chunks(row.allowed.len()),
    };
    for callers in turns {
        let mut market = Market::open().await;
        market.prepare(row).await;
        play(&mut market, row, callers, &mut found).await;
        market.assert_sound().await;
        market.close().await;
    }
    (row, found)
}

async fn play(market: &mut Market, row: &Row, callers: &[Who], found: &mut Found) {
    for who in callers.iter().copied() {
        market.prepare_for(row, who).await;
        let before = match row.declines(who) {
            Some(_) => Some(market.rows().await),
            None => None,
        };
        let request = market.request(row, who);
        let wire = (method(row.rpc).input.decode)(request.as_bytes()).unwrap();
        let outcome = market.person(who).send(row.rpc, smuggle(wire)).await;
        let problem = match (outcome, row.declines(who)) {
            (Ok((answer, statements)), None) => {
                found.seen.insert(who, answer);
                // What an administrator changes is also written down.
                let audited = u32::from(who == Who::Admin && !is_read(row.rpc));
                let budget = budgets::of(row.rpc).map(|budget| budget + audited);
                (statements > budget)
                    .then(|| format!("{statements:?} statements, budget {budget:?}"))
            }
            (Ok(_), Some(reason)) => Some(format!("let in instead of {reason}")),
            (Err(refused), None) => Some(format!("{refused:?} though allowed")),
            (Err(refused), Some(reason)) => {
                let changes = market.changes(&mut before.unwrap()).await;
                let other = told(&refused).1 != reason || refused.code() == Code::Internal;
                changes.or_else(|| other.then(|| format!("{refused:?} instead of {reason}")))
            }
        };
        let named = problem.map(|it| format!("{} by {who:?}: {it}", row.rpc));
        found.wrong.extend(named);
    }
    let rows = market.rows().await;
    let smuggled = rows.values().flatten().any(|row| row.contains(SMUGGLED));
    if smuggled {
        found
            .wrong
            .push(format!("{}: kept an unknown field", row.rpc));
    }
}

/// A message with fields that the contract does not know: a text, and a number.
fn smuggle(mut wire: Vec<u8>) -> Vec<u8> {
    use prost::encoding::{WireType, encode_key, encode_varint};
    for number in [98, 5000] {
        encode_key(number, WireType::LengthDelimited, &mut wire);
        encode_varint(SMUGGLED.len() as u64, &mut wire);
        wire.extend_from_slice(SMUGGLED.as_bytes());
        encode_key(number + 1, WireType::Varint, &mut wire);
        encode_varint(u64::MAX, &mut wire);
    }
    wire
}
