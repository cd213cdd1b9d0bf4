use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sea_orm::{ConnectionTrait, TransactionTrait};
use uuid::Uuid;

use super::{Events, EventsConfig, LocalBus, SESSION_ENDED, Snapshot, Step, Steps, Update};
use crate::db::testing::{on_each, on_postgres};
use crate::db::{Db, NewEvent};
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::seal::Sealer;
use crate::kernel::task::Tasks;
use crate::kernel::{Call, Caller, Clock, Code, Error, Reason, Result, Role, Secret, Time};

const ORDER: Uuid = Uuid::from_u128(1);
const TOPIC: &str = "order/1";

fn clock() -> Clock {
    Clock::manual(Time::from_micros(1_800_000_000_000_000))
}

/// A process: its own tailer over a shared database.
struct Process {
    db: Db,
    events: Events,
    tasks: Tasks,
}

impl Process {
    async fn start(db: &Db) -> Self {
        Self::with(db, EventsConfig::default()).await
    }

    async fn with(db: &Db, config: EventsConfig) -> Self {
        let tasks = Tasks::default();
        let sealer = Sealer::new(Secret::new(b"resume".to_vec()));
        let bus = Arc::new(LocalBus::default());
        let events = Events::start(db.clone(), sealer, bus, config, &tasks)
            .await
            .unwrap();
        Self {
            db: db.clone(),
            events,
            tasks,
        }
    }

    async fn watch(&self, token: Option<&str>) -> Result<Steps<i64>> {
        self.watch_as(&anyone(), TOPIC, token, 0).await
    }

    /// A stream whose snapshot shows the order at `version`.
    async fn watch_as(
        &self,
        call: &Call,
        topic: &str,
        token: Option<&str>,
        version: i64,
    ) -> Result<Steps<i64>> {
        let snapshot = move || async move {
            Ok(Snapshot {
                value: version,
                versions: HashMap::from([(ORDER, version)]),
            })
        };
        self.events.watch(call, topic, token, snapshot).await
    }

    async fn change(&self, version: i64) {
        emit(&self.db, TOPIC, ORDER, version).await;
    }

    async fn changes(&self, versions: std::ops::RangeInclusive<i64>) {
        for version in versions {
            self.change(version).await;
        }
    }
}

fn anyone() -> Call {
    Call::system("/test/Watch")
}

fn event(topic: &str, aggregate: Uuid, version: i64) -> NewEvent {
    NewEvent {
        topic: topic.to_owned(),
        kind: "order.changed",
        aggregate,
        version,
        payload: vec![1, 2, 3],
    }
}

async fn emit(db: &Db, topic: &str, aggregate: Uuid, version: i64) {
    db.transact(|tx| async move {
        tx.emit(event(topic, aggregate, version));
        Ok(())
    })
    .await
    .unwrap();
}

async fn next(steps: &mut Steps<i64>) -> Step<i64> {
    let step = tokio::time::timeout(Duration::from_secs(20), steps.next());
    step.await.unwrap().unwrap().unwrap()
}

/// The version of the next change, and its token.
async fn next_change(steps: &mut Steps<i64>) -> (i64, String) {
    let step = next(steps).await;
    match step.update {
        Update::Event(event) => (event.version, step.resume_token),
        other => panic!("expected a change, got {other:?}"),
    }
}

async fn next_versions(steps: &mut Steps<i64>, count: usize) -> Vec<i64> {
    let mut versions = Vec::new();
    for _ in 0..count {
        versions.push(next_change(steps).await.0);
    }
    versions
}

async fn failure(steps: &mut Steps<i64>) -> Error {
    loop {
        match steps.next().await.unwrap() {
            Ok(_) => {}
            Err(error) => {
                assert!(steps.next().await.is_none());
                return error;
            }
        }
    }
}

#[tokio::test]
async fn a_stream_begins_with_the_snapshot_and_goes_on_with_later_changes() {
    on_each(clock(), |db| async move {
        let process = Process::start(&db).await;
        process.changes(1..=2).await;
        process.events.caught_up().await.unwrap();
        let mut steps = process.watch_as(&anyone(), TOPIC, None, 2).await.unwrap();
        assert_eq!(next(&mut steps).await.update, Update::Snapshot(2));
        process.changes(3..=5).await;
        assert_eq!(next_versions(&mut steps, 3).await, [3, 4, 5]);
    })
    .await;
}

#[tokio::test]
async fn a_resumed_stream_has_no_gap_and_no_repeat_while_writers_go_on() {
    on_each(clock(), |db| async move {
        let (here, there) = (Process::start(&db).await, Process::start(&db).await);
        const CHANGES: i64 = 400;
        let writer = async {
            for version in 1..=CHANGES {
                here.change(version).await;
                emit(&here.db, "order/2", Uuid::from_u128(2), version).await;
            }
        };
        let reader = async {
            let mut seen = Vec::new();
            let mut steps = here.watch(None).await.unwrap();
            let mut token = next(&mut steps).await.resume_token;
            while seen.len() < CHANGES as usize {
                // Every few changes the client is cut off and goes to the other process.
                let process = if seen.len() % 2 == 0 { &here } else { &there };
                let mut steps = process.watch(Some(&token)).await.unwrap();
                for _ in 0..7.min(CHANGES as usize - seen.len()) {
                    let (version, next_token) = next_change(&mut steps).await;
                    seen.push(version);
                    token = next_token;
                }
            }
            seen
        };
        let ((), seen) = tokio::join!(writer, reader);
        assert_eq!(seen, (1..=CHANGES).collect::<Vec<_>>());
        assert_eq!(
            here.events.0.hub.watchers() + there.events.0.hub.watchers(),
            0
        );
    })
    .await;
}

#[tokio::test]
async fn a_change_that_the_snapshot_shows_is_not_sent_again_even_after_a_resume() {
    on_postgres(clock(), |db| async move {
        let process = Process::start(&db).await;
        // An open transaction keeps the tailer from what is committed after it.
        let open = db.read().begin().await.unwrap();
        open.execute_unprepared("SELECT pg_current_xact_id()")
            .await
            .unwrap();
        process.changes(1..=3).await;
        let mut steps = process.watch_as(&anyone(), TOPIC, None, 2).await.unwrap();
        let token = next(&mut steps).await.resume_token;
        open.rollback().await.unwrap();
        assert_eq!(next_change(&mut steps).await.0, 3);
        let mut resumed = process.watch(Some(&token)).await.unwrap();
        assert_eq!(next_change(&mut resumed).await.0, 3);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_took_its_position_first_and_commits_last_is_not_skipped() {
    on_postgres(clock(), |db| async move {
        let process = Process::start(&db).await;
        let mut steps = process.watch(None).await.unwrap();
        let token = next(&mut steps).await.resume_token;
        let insert = |version: i64| {
            format!(
                "INSERT INTO events (topic, kind, aggregate, version, payload, created_at) \
                 VALUES ('{TOPIC}', 'order.changed', '{}', {version}, '', 0)",
                Uuid::from_u128(9)
            )
        };
        let open = db.read().begin().await.unwrap();
        open.execute_unprepared(&insert(1)).await.unwrap();
        process.changes(1..=3).await;
        process.events.0.tailer.advance().await.unwrap();
        assert!(
            steps.next().now_or_never().is_none(),
            "nothing may overtake"
        );
        open.commit().await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..4 {
            let Update::Event(event) = next(&mut steps).await.update else {
                panic!("expected a change");
            };
            seen.push((event.position, event.aggregate, event.version));
        }
        let order: Vec<_> = seen
            .iter()
            .map(|(_, who, version)| (*who, *version))
            .collect();
        assert_eq!(
            order,
            [(Uuid::from_u128(9), 1), (ORDER, 1), (ORDER, 2), (ORDER, 3)]
        );
        assert!(seen.is_sorted());
        let mut resumed = process.watch(Some(&token)).await.unwrap();
        for (position, _, _) in seen {
            let Update::Event(event) = next(&mut resumed).await.update else {
                panic!("expected a change");
            };
            assert_eq!(event.position, position);
        }
    })
    .await;
}

#[tokio::test]
async fn versions_follow_one_another_when_the_older_transaction_changes_the_record_last() {
    on_postgres(clock(), |db| async move {
        let process = Process::start(&db).await;
        let mut steps = process.watch(None).await.unwrap();
        next(&mut steps).await;
        let (older, younger) = (
            db.read().begin().await.unwrap(),
            db.read().begin().await.unwrap(),
        );
        let insert = |version: i64| {
            format!(
                "INSERT INTO events (topic, kind, aggregate, version, payload, created_at) \
                 VALUES ('{TOPIC}', 'order.changed', '{ORDER}', {version}, '', 0)"
            )
        };
        older
            .execute_unprepared("SELECT pg_current_xact_id()")
            .await
            .unwrap();
        younger.execute_unprepared(&insert(1)).await.unwrap();
        younger.commit().await.unwrap();
        older.execute_unprepared(&insert(2)).await.unwrap();
        older.commit().await.unwrap();
        assert_eq!(next_versions(&mut steps, 2).await, [1, 2]);
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_ended_and_others_are_not() {
    on_each(clock(), |db| async move {
        let process = Process::start(&db).await;
        let mut slow = process.watch(None).await.unwrap();
        let mut quick = process.watch(None).await.unwrap();
        next(&mut slow).await;
        next(&mut quick).await;
        db.transact(|tx| async move {
            (1..=200).for_each(|version| tx.emit(event(TOPIC, ORDER, version)));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(next_versions(&mut quick, 200).await.last(), Some(&200));
        db.transact(|tx| async move {
            (201..=400).for_each(|version| tx.emit(event(TOPIC, ORDER, version)));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(next_versions(&mut quick, 200).await.last(), Some(&400));
        let error = failure(&mut slow).await;
        assert_eq!(error.reason(), Reason::StreamTooSlow);
        assert_eq!(error.code(), Code::ResourceExhausted);
        let token = &error.metadata()["resumeToken"];
        let mut resumed = process.watch(Some(token)).await.unwrap();
        // What was in the buffer had been given: the rest comes.
        let rest = next_versions(&mut resumed, 400 - 256).await;
        assert_eq!(rest, (257..=400).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_token_of_another_stream_or_caller_and_a_forged_one_are_refused() {
    on_each(clock(), |db| async move {
        let process = Process::start(&db).await;
        let mut steps = process.watch(None).await.unwrap();
        let token = next(&mut steps).await.resume_token;
        let guest = Call {
            caller: Caller::Anonymous,
            ..anyone()
        };
        let mut forged = token.clone().into_bytes();
        forged[25] ^= 1;
        let forged = String::from_utf8(forged).unwrap();
        for (call, topic, token) in [
            (&guest, TOPIC, token.as_str()),
            (&anyone(), "order/2", token.as_str()),
            (&anyone(), TOPIC, forged.as_str()),
            (&anyone(), TOPIC, "nonsense"),
        ] {
            let refused = process.watch_as(call, topic, Some(token), 0).await;
            let error = refused.err().unwrap();
            assert_eq!(error.reason(), Reason::ResumeTokenInvalid);
            assert_eq!(error.code(), Code::InvalidArgument);
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_older_than_the_kept_history_is_refused_and_the_newest_still_works() {
    on_each(clock(), |db| async move {
        let process = Process::start(&db).await;
        let mut steps = process.watch(None).await.unwrap();
        let old = next(&mut steps).await.resume_token;
        process.changes(1..=3).await;
        let mut last = String::new();
        for _ in 0..3 {
            last = next_change(&mut steps).await.1;
        }
        db.clock().advance(Duration::from_secs(60));
        let forgotten = process.events.prune(db.clock().now()).await.unwrap();
        assert_eq!(forgotten, 3);
        let error = process.watch(Some(&old)).await.err().unwrap();
        assert_eq!(error.reason(), Reason::ResumeTokenExpired);
        assert_eq!(error.code(), Code::OutOfRange);
        let mut resumed = process.watch(Some(&last)).await.unwrap();
        process.change(4).await;
        assert_eq!(next_change(&mut resumed).await.0, 4);
        assert_eq!(next_change(&mut steps).await.0, 4);
        // A process that starts on the shortened log begins at its end.
        let fresh = Process::start(&db).await;
        assert!(fresh.watch(Some(&last)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn heartbeats_move_the_token_of_an_idle_stream_on() {
    on_each(clock(), |db| async move {
        let config = EventsConfig {
            heartbeat: Duration::from_millis(20),
            ..EventsConfig::default()
        };
        let process = Process::with(&db, config).await;
        let mut steps = process.watch(None).await.unwrap();
        let first = next(&mut steps).await.resume_token;
        emit(&db, "order/2", Uuid::from_u128(2), 1).await;
        process.events.caught_up().await.unwrap();
        let beat = loop {
            let step = next(&mut steps).await;
            assert_eq!(step.update, Update::Heartbeat);
            if step.resume_token != first {
                break step.resume_token;
            }
        };
        db.clock().advance(Duration::from_secs(60));
        process.events.prune(db.clock().now()).await.unwrap();
        assert!(process.watch(Some(&first)).await.is_err());
        assert!(process.watch(Some(&beat)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_cleanly_at_its_age_and_when_the_process_stops() {
    on_each(clock(), |db| async move {
        let config = EventsConfig {
            max_age: Duration::ZERO,
            ..EventsConfig::default()
        };
        let aged = Process::with(&db, config).await;
        let stopped = Process::start(&db).await;
        for process in [&aged, &stopped] {
            let mut steps = process.watch(None).await.unwrap();
            let token = next(&mut steps).await.resume_token;
            if std::ptr::eq(process, &raw const stopped) {
                assert!(process.tasks.stop(Duration::from_secs(5)).await);
            }
            let last = next(&mut steps).await;
            assert_eq!(last.update, Update::Heartbeat);
            assert_eq!(last.resume_token, token);
            assert!(steps.next().await.is_none());
            drop(steps);
            assert_eq!(process.events.0.hub.watchers(), 0);
        }
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_streams_and_no_others() {
    on_each(clock(), |db| async move {
        let process = Process::start(&db).await;
        let now = db.clock().now();
        let user = UserId::new(now);
        let sign_in = || Call {
            caller: Caller::User {
                id: user,
                role: Role::Customer,
                session: SessionId::new(now),
            },
            ..anyone()
        };
        let (ended, kept) = (sign_in(), sign_in());
        let Caller::User { session, .. } = ended.caller else {
            unreachable!()
        };
        let mut ending = process.watch_as(&ended, TOPIC, None, 0).await.unwrap();
        let mut keeping = process.watch_as(&kept, TOPIC, None, 0).await.unwrap();
        next(&mut ending).await;
        next(&mut keeping).await;
        db.transact(|tx| async move {
            tx.emit(NewEvent {
                kind: SESSION_ENDED,
                ..event(&format!("session/{}", user.uuid()), session.uuid(), 1)
            });
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(failure(&mut ending).await.reason(), Reason::SessionRevoked);
        let again = process.watch_as(&ended, TOPIC, None, 0).await;
        assert_eq!(again.err().unwrap().reason(), Reason::SessionRevoked);
        process.change(1).await;
        assert_eq!(next_change(&mut keeping).await.0, 1);
    })
    .await;
}

#[tokio::test]
async fn a_hint_from_another_process_wakes_the_tailer_before_the_poll() {
    on_each(clock(), |db| async move {
        let tasks = Tasks::default();
        let bus = Arc::new(LocalBus::default());
        let config = EventsConfig {
            poll: Duration::from_secs(3600),
            ..EventsConfig::default()
        };
        let sealer = Sealer::new(Secret::new(b"resume".to_vec()));
        let events = Events::start(db.clone(), sealer, bus.clone(), config, &tasks)
            .await
            .unwrap();
        let snapshot = || async {
            Ok(Snapshot {
                value: 0,
                versions: HashMap::new(),
            })
        };
        let mut steps = events
            .watch(&anyone(), TOPIC, None, snapshot)
            .await
            .unwrap();
        next(&mut steps).await;
        // Written past this process's own commit path, as another process would.
        let sql = "INSERT INTO events (topic, kind, aggregate, version, payload, created_at) \
                   VALUES ($1, 'order.changed', $2, 1, $3, 0)";
        db.transact(|tx| async move {
            let values = [TOPIC.into(), ORDER.into(), Vec::<u8>::new().into()];
            let statement = tx.dialect().statement(sql, values);
            tx.conn().execute_raw(statement).await?;
            Ok(())
        })
        .await
        .unwrap();
        bus.hint();
        assert_eq!(next_change(&mut steps).await.0, 1);
    })
    .await;
}

#[tokio::test]
async fn a_log_from_another_cluster_is_adopted() {
    on_postgres(clock(), |db| async move {
        let process = Process::start(&db).await;
        process.changes(1..=2).await;
        let beyond = "UPDATE events SET txid = 9000000000000 WHERE version = 2";
        db.read().execute_unprepared(beyond).await.unwrap();
        let restored = Process::start(&db).await;
        let mut steps = restored.watch(None).await.unwrap();
        next(&mut steps).await;
        restored.change(3).await;
        assert_eq!(next_versions(&mut steps, 1).await, [3]);
    })
    .await;
}
