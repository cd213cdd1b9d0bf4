//! What the database says in the end.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement};
use souk::kernel::id::OfferId;
use uuid::Uuid;

use crate::fleet::Fleet;

/// Every lot, by its id.
pub struct Ledger(BTreeMap<String, Entry>);

/// A lot as the database has it.
#[derive(Default)]
pub struct Entry {
    pub status: String,
    pub outcome: String,
    pub extensions: i32,
    pub ends_at: i64,
    pub ended_at: i64,
    /// Number, bidder, amount, and whether the marketplace bid.
    pub bids: Vec<(i32, i32, i64, bool)>,
    /// What became of the jobs that turn it, for who has to know why it was late.
    pub jobs: Vec<String>,
}

impl Ledger {
    pub async fn read(fleet: &Fleet) -> Self {
        let db = fleet.souks[0].database.connect().await;
        let rows = async |sql: &str| {
            let statement = Statement::from_string(db.get_database_backend(), sql);
            db.query_all_raw(statement).await.unwrap()
        };
        let mut lots = BTreeMap::new();
        let sql = "SELECT id, status, outcome, extensions, ends_at, ended_at FROM b2b_offers";
        for row in rows(sql).await {
            let ended_at: Option<i64> = row.try_get("", "ended_at").unwrap();
            let entry = Entry {
                status: row.try_get("", "status").unwrap(),
                outcome: row.try_get("", "outcome").unwrap(),
                extensions: row.try_get("", "extensions").unwrap(),
                ends_at: row.try_get("", "ends_at").unwrap(),
                ended_at: ended_at.unwrap_or_default(),
                bids: Vec::new(),
                jobs: Vec::new(),
            };
            lots.insert(id(row.try_get("", "id").unwrap()), entry);
        }
        let sql = "SELECT bids.offer_id, bids.number, responses.number AS bidder, bids.amount, \
                   bids.automatic FROM b2b_bids bids \
                   JOIN b2b_responses responses ON responses.id = bids.response_id \
                   ORDER BY bids.offer_id, bids.number";
        for row in rows(sql).await {
            let lot = id(row.try_get("", "offer_id").unwrap());
            lots.get_mut(&lot).unwrap().bids.push((
                row.try_get("", "number").unwrap(),
                row.try_get("", "bidder").unwrap(),
                row.try_get("", "amount").unwrap(),
                row.try_get("", "automatic").unwrap(),
            ));
        }
        let sql = "SELECT payload, state, attempts, run_at, finished_at, last_error FROM jobs \
                   WHERE kind = 'b2b.turn-offer' ORDER BY run_at";
        for row in rows(sql).await {
            let payload: String = row.try_get("", "payload").unwrap();
            let payload: serde_json::Value = serde_json::from_str(&payload).unwrap();
            let lot = lots.get_mut(payload["offer"].as_str().unwrap()).unwrap();
            let (due, done): (i64, Option<i64>) = (
                row.try_get("", "run_at").unwrap(),
                row.try_get("", "finished_at").unwrap(),
            );
            lot.jobs.push(format!(
                "{} in {} tries, due {} ms after the end, done {:?} ms after it, {:?}",
                row.try_get::<String>("", "state").unwrap(),
                row.try_get::<i32>("", "attempts").unwrap(),
                (due - lot.ends_at) / 1_000,
                done.map(|done| (done - lot.ends_at) / 1_000),
                row.try_get::<Option<String>>("", "last_error").unwrap(),
            ));
        }
        Self(lots)
    }

    pub fn of(&self, lot: &str) -> &Entry {
        &self.0[lot]
    }
}

fn id(uuid: Uuid) -> String {
    OfferId::from(uuid).to_string()
}
