//! Nothing skipped, nothing twice, nothing out of order.

use super::*;
use crate::db::Dialect;
use crate::events::store;

#[tokio::test]
async fn a_resumed_stream_has_no_gap_and_no_repeat_while_writers_go_on() {
    const WRITERS: u128 = 4;
    const CHANGES: i64 = 100;
    on_each(clock(), |db| async move {
        let (here, there) = (Process::start(&db).await, Process::start(&db).await);
        let write = async |record: u128| {
            for version in 1..=CHANGES {
                emit(&db, TOPIC, Uuid::from_u128(record), version).await;
                emit(&db, "order/other", Uuid::from_u128(record), version).await;
            }
        };
        let read = async {
            let mut steps = here.watch(None).await.unwrap();
            let mut token = next(&mut steps).await.resume_token;
            let mut seen: HashMap<Uuid, Vec<i64>> = HashMap::new();
            let mut left = WRITERS as usize * CHANGES as usize;
            while left > 0 {
                // Every few changes the client is cut off and goes to the other process.
                let process = if left.is_multiple_of(2) {
                    &here
                } else {
                    &there
                };
                let mut steps = process.watch(Some(&token)).await.unwrap();
                for _ in 0..7.min(left) {
                    let step = next(&mut steps).await;
                    let Update::Event(event) = step.update else {
                        panic!("expected a change");
                    };
                    seen.entry(event.aggregate).or_default().push(event.version);
                    token = step.resume_token;
                    left -= 1;
                }
            }
            seen
        };
        let (.., seen) = tokio::join!(write(1), write(2), write(3), write(4), read);
        assert_eq!(seen.len(), WRITERS as usize);
        for versions in seen.values() {
            assert!(versions.iter().copied().eq(1..=CHANGES), "{versions:?}");
        }
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

#[tokio::test]
async fn reading_on_never_reads_the_log_from_its_beginning() {
    on_each(clock(), async |db: Db| {
        // PostgreSQL plans by what it knows of the rows, and has none here.
        if db.dialect() == Dialect::Postgres {
            return;
        }
        let queries = [
            (
                store::after_sql(db.dialect()),
                "events_position (txid=? AND id>?)",
            ),
            (
                store::topic_after_sql(db.dialect()),
                "events_topic_position (topic=? AND txid=? AND id>? AND id<?)",
            ),
        ];
        for (sql, search) in queries {
            let explained = db
                .dialect()
                .statement(format!("EXPLAIN QUERY PLAN {sql}"), []);
            let plan = db.read().query_all_raw(explained).await.unwrap();
            let steps: Vec<String> = plan
                .iter()
                .map(|step| step.try_get("", "detail").unwrap())
                .collect();
            assert_eq!(steps, [format!("SEARCH events USING INDEX {search}")]);
        }
    })
    .await;
}
