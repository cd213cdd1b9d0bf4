//! How streams begin, what they refuse, and how they end.

use super::*;

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
