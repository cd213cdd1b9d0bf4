//! Streams over real databases: what they give, in which order, and how they end.

mod life;
mod order;

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
