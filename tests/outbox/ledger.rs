//! What the database says: the jobs, and what their handlers left.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, QueryResult};
use souk::db::{Db, DbConfig};
use souk::jobs::store;
use souk::kernel::Clock;
use uuid::Uuid;

use crate::rig::{Souk, pause};
use crate::worker::QUEUE;

/// How long the messages of a run may take to be done once they are all written.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Ledger {
    pub db: Db,
}

/// A job of the run.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: Uuid,
    pub state: String,
    pub number: i64,
}

impl Ledger {
    /// Makes the tables in which workers leave what they did, and one that tells of every
    /// period of a schedule that was begun.
    pub async fn open(souk: &Souk) -> Self {
        let config = DbConfig {
            max_connections: 6,
            min_connections: 1,
            ..DbConfig::new(souk.database.url())
        };
        let db = Db::open(&config, Clock::system()).await.unwrap();
        let beside = souk.database.connect().await;
        let (number, trigger) = if souk.database.is_postgres() {
            ("BIGSERIAL PRIMARY KEY", POSTGRES_TRIGGER)
        } else {
            ("INTEGER PRIMARY KEY AUTOINCREMENT", SQLITE_TRIGGER)
        };
        for table in ["outbox_effects", "outbox_ticks", "outbox_refused"] {
            let sql = format!(
                "CREATE TABLE {table} (n {number}, job_id UUID NOT NULL, \
                 attempt INTEGER NOT NULL, worker TEXT NOT NULL)"
            );
            beside.execute_unprepared(&sql).await.unwrap();
        }
        beside.execute_unprepared(trigger).await.unwrap();
        Self { db }
    }

    /// How long the oldest message that could be delivered waits.
    pub async fn lag(&self) -> Duration {
        // A stopped worker may keep the database busy for a moment.
        let Ok(queues) = store::queues(&self.db).await else {
            return Duration::MAX;
        };
        let now = self.db.clock().now();
        let queue = queues.iter().find(|queue| queue.name == QUEUE);
        queue.map_or(Duration::ZERO, |queue| queue.oldest_due_age(now))
    }

    /// Waits until all messages are done or dead.
    pub async fn quiet(&self, messages: usize) {
        let began = Instant::now();
        let sql = "SELECT count(*) FROM jobs WHERE kind = 'outbox.deliver' \
                   AND state IN ('DONE', 'DEAD')";
        while self.number(sql).await != messages as i64 {
            assert!(began.elapsed() < PATIENCE, "messages wait still");
            pause(Duration::from_millis(100)).await;
        }
    }

    pub async fn number(&self, sql: &str) -> i64 {
        self.rows(sql).await[0].try_get_by_index(0).unwrap()
    }

    pub async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = self.db.dialect().statement(sql, []);
        self.db.read().query_all_raw(statement).await.unwrap()
    }

    /// The jobs of the messages, with their places within their keys.
    pub async fn messages(&self) -> Vec<Entry> {
        let sql = "SELECT id, state, coalesce(order_number, 0) AS number FROM jobs \
                   WHERE kind = 'outbox.deliver'";
        let rows = self.rows(sql).await;
        let entries = rows.iter().map(|row| Entry {
            id: row.try_get("", "id").unwrap(),
            state: row.try_get("", "state").unwrap(),
            number: row.try_get("", "number").unwrap(),
        });
        entries.collect()
    }

    /// The jobs that left something in a table, in the order in which they did.
    pub async fn traces(&self, table: &str) -> Vec<Uuid> {
        let rows = self
            .rows(&format!("SELECT job_id FROM {table} ORDER BY n"))
            .await;
        rows.iter()
            .map(|row| row.try_get("", "job_id").unwrap())
            .collect()
    }
}

const SQLITE_TRIGGER: &str = "
CREATE TABLE outbox_periods (next_run_at BIGINT NOT NULL, last_run_at BIGINT NOT NULL);
CREATE TRIGGER outbox_first AFTER INSERT ON job_schedules BEGIN
    INSERT INTO outbox_periods VALUES (NEW.next_run_at, NEW.last_run_at);
END;
CREATE TRIGGER outbox_later AFTER UPDATE ON job_schedules BEGIN
    INSERT INTO outbox_periods VALUES (NEW.next_run_at, NEW.last_run_at);
END;
";

const POSTGRES_TRIGGER: &str = "
CREATE TABLE outbox_periods (next_run_at BIGINT NOT NULL, last_run_at BIGINT NOT NULL);
CREATE FUNCTION outbox_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox_periods VALUES (NEW.next_run_at, NEW.last_run_at);
    RETURN NEW;
END $$;
CREATE TRIGGER outbox_periods AFTER INSERT OR UPDATE ON job_schedules
    FOR EACH ROW EXECUTE FUNCTION outbox_period();
";
