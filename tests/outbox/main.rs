//! Nothing is lost and nothing is done twice: three worker processes share one queue and
//! deliver messages to a sink that fails, dawdles, and never takes some of them, while
//! they are killed, stopped for longer than their leases, and asked to end. Afterwards
//! every message has had its one effect, in the order of its key, and those that the sink
//! never took are parked where operators find and replay them.
//!
//! The workers are processes of this very program: with OUTBOX_ROLE=worker it opens souk's
//! queue with a handler that posts to the sink, and works until it is stopped.
//!
//! SOUK_TIER=long makes the run long, SOUK_MESSAGES, SOUK_KILLS and SOUK_STOPS set its
//! parts, SOUK_SEED repeats a run, SOUK_TEST_DATABASE (sqlite, postgres) chooses the
//! database; on SQLite there is one worker.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod audit;
mod ledger;
mod post;
#[path = "../rig/mod.rs"]
mod rig;
mod sink;
mod storm;
mod team;
mod texts;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::Ledger;
use post::Post;
use rig::{Caller, Dice, Souk, pause, setting};
use sink::Sink;
use souk::pb::souk::ops::v1::{ListJobsRequest, ListQueuesRequest, RetryDeadJobsRequest, job};
use storm::Plan;
use team::Team;

/// How soon after the last fault the queue must keep up again, and what that means.
const RECOVERY: Duration = Duration::from_secs(60);
const LAG: Duration = Duration::from_secs(5);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    match setting("OUTBOX_ROLE", "judge".to_owned()).as_str() {
        "worker" => runtime.block_on(worker::work()),
        "judge" => {
            runtime.block_on(each_message_has_its_one_effect());
            println!("test each_message_has_its_one_effect ... ok");
            runtime.block_on(texts::each_text_is_sent_by_workers_that_come_and_go());
            println!("test each_text_is_sent_by_workers_that_come_and_go ... ok");
        }
        other => panic!("OUTBOX_ROLE is worker or judge, not {other:?}"),
    }
}

async fn each_message_has_its_one_effect() {
    let began = Instant::now();
    let mut dice = Dice::roll();
    let plan = Plan::chosen();
    let mut souk = Souk::install("outbox").await.with(&[("JOBS", "off")]);
    souk.start().await;
    let ledger = Ledger::open(&souk).await;
    let poison = post::poison(plan.messages, &mut dice);
    let sink = Sink::start(dice.fork(), poison.clone()).await;
    let mut team = Team::start(&souk, &sink.url).await;

    let post = Arc::new(Post::new(plan, dice.fork()));
    let posting = post.clone().spread(ledger.db.clone(), &mut dice);
    let storm = storm::rage(plan, &mut team, &sink, &mut dice).await;
    let last_fault = Instant::now();
    post.storm_is_over();
    let caught_up = catch_up(&ledger, last_fault, posting).await;
    let letters = post.letters();
    ledger.quiet(letters.len()).await;
    team.assert_alive();

    let admin = Caller::guest(&souk.url()).with_token(souk.admin_token());
    let parked = parked(&admin, poison.len()).await;
    souk.check();
    sink.heal();
    replay(&admin, poison.len()).await;
    ledger.quiet(letters.len()).await;
    let drained = team.dismiss().await;

    audit::compare(&ledger, &letters, &sink.visits(), &poison, &storm).await;
    souk.check();
    println!(
        "{}: {} messages, {} kills, {} stops, {} gentle ends; lag under {LAG:?} again after \
         {caught_up:?}; {parked} parked and replayed; workers drained within {drained:?}; {:?}",
        souk.database.kind(),
        letters.len(),
        storm.kills,
        storm.stops,
        storm.ends,
        began.elapsed(),
    );
    assert!(caught_up <= RECOVERY, "the queue kept up again too late");
    ledger.db.close().await;
    souk.remove().await;
}

/// Waits until the oldest due message is young and all are posted. Says how long after the
/// last fault that was.
async fn catch_up(
    ledger: &Ledger,
    last_fault: Instant,
    posting: tokio::task::JoinSet<()>,
) -> Duration {
    while ledger.lag().await > LAG {
        assert!(last_fault.elapsed() < 2 * RECOVERY, "the queue stands");
        pause(Duration::from_millis(100)).await;
    }
    let caught_up = last_fault.elapsed();
    posting.join_all().await;
    caught_up
}

/// What the sink never took is dead, and operators see it. Says how many there are.
async fn parked(admin: &Caller, poison: usize) -> usize {
    let wish = ListJobsRequest {
        state: job::State::Dead.into(),
        queue: worker::QUEUE.to_owned(),
        limit: 100,
        ..ListJobsRequest::default()
    };
    let listed = admin.ops().list_jobs(admin.ask(wish)).await.unwrap();
    let dead = listed.into_inner().jobs;
    for job in &dead {
        let why = job.last_error.as_deref().unwrap_or_default();
        let reasons = ["the sink answered 500", "the worker vanished"];
        assert!(reasons.iter().any(|it| why.contains(it)), "{job:?}");
        assert!(job.attempts <= worker::ATTEMPTS, "{job:?}");
        assert_eq!(job.kind, worker::DELIVER);
    }
    let wish = admin.ask(ListQueuesRequest::default());
    let queues = admin.ops().list_queues(wish).await.unwrap().into_inner();
    let queue = queues.queues.iter().find(|it| it.name == worker::QUEUE);
    let told = queue.map_or(0, |queue| queue.dead as usize);
    assert_eq!((dead.len().min(100), told), (poison.min(100), poison));
    dead.len()
}

async fn replay(admin: &Caller, poison: usize) {
    let wish = RetryDeadJobsRequest {
        queue: worker::QUEUE.to_owned(),
        limit: 1_000,
        ..RetryDeadJobsRequest::default()
    };
    let answer = admin.ops().retry_dead_jobs(admin.ask(wish)).await.unwrap();
    assert_eq!(answer.into_inner().retried as usize, poison);
}
