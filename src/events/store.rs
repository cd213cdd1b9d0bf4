//! Every query on the event log.

use bytes::Bytes;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use uuid::Uuid;

use super::event::{Event, Position, SESSION_ENDED, session_topic};
use crate::db::{Db, Dialect, Tx};
use crate::kernel::{Result, Time};

const COLUMNS: &str = "txid, id, topic, kind, aggregate, version, payload, created_at";

/// Only events that no transaction still open can precede. PostgreSQL hands out
/// transaction ids in ascending order, so below the oldest one in flight everything is
/// decided. SQLite has one writer: what is visible is decided.
const fn settled(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => " AND txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
        Dialect::Sqlite => "",
    }
}

/// How a position in the log compares with the one in two parameters. On SQLite every
/// transaction is zero, and it has to be told so: of a pair that ends in the row's id, its
/// indexes serve the first part alone, and the whole log would be read.
fn position_is(dialect: Dialect, operator: &str, [txid, id]: [usize; 2]) -> String {
    match dialect {
        Dialect::Postgres => format!("(txid, id) {operator} (${txid}, ${id})"),
        Dialect::Sqlite => format!("txid = ${txid} AND id {operator} ${id}"),
    }
}

/// The index for one topic. SQLite, which has no statistics, would rather read the events
/// of every topic between two positions.
const fn by_topic(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "",
        Dialect::Sqlite => " INDEXED BY events_topic_position",
    }
}

/// The settled events after `cursor`, in the log's order.
pub(super) async fn after(db: &Db, cursor: Position, limit: i64) -> Result<Vec<Event>> {
    let values = [cursor.txid.into(), cursor.id.into(), limit.into()];
    select(db, after_sql(db.dialect()), values).await
}

pub(super) fn after_sql(dialect: Dialect) -> String {
    format!(
        "SELECT {COLUMNS} FROM events WHERE {}{} ORDER BY txid, id LIMIT $3",
        position_is(dialect, ">", [1, 2]),
        settled(dialect)
    )
}

/// The events of a topic after `cursor` up to `until`, which must be settled.
pub(super) async fn topic_after(
    db: &Db,
    topic: &str,
    cursor: Position,
    until: Position,
    limit: i64,
) -> Result<Vec<Event>> {
    let values = [
        topic.into(),
        cursor.txid.into(),
        cursor.id.into(),
        until.txid.into(),
        until.id.into(),
        limit.into(),
    ];
    select(db, topic_after_sql(db.dialect()), values).await
}

pub(super) fn topic_after_sql(dialect: Dialect) -> String {
    format!(
        "SELECT {COLUMNS} FROM events{} WHERE topic = $1 AND {} AND {} \
         ORDER BY txid, id LIMIT $6",
        by_topic(dialect),
        position_is(dialect, ">", [2, 3]),
        position_is(dialect, "<=", [4, 5])
    )
}

/// An event that is committed but may not be settled yet.
pub(super) struct Ahead {
    pub(super) id: i64,
    pub(super) aggregate: Uuid,
    pub(super) version: i64,
}

/// The committed events of a topic after `cursor`, settled or not.
pub(super) async fn topic_ahead(
    db: &Db,
    topic: &str,
    cursor: Position,
    limit: i64,
) -> Result<Vec<Ahead>> {
    let sql = format!(
        "SELECT id, aggregate, version FROM events{} WHERE topic = $1 AND {} ORDER BY id LIMIT $4",
        by_topic(db.dialect()),
        position_is(db.dialect(), ">", [2, 3])
    );
    let values: [Value; 4] = [
        topic.into(),
        cursor.txid.into(),
        cursor.id.into(),
        limit.into(),
    ];
    let rows = db
        .read()
        .query_all_raw(db.dialect().statement(&sql, values))
        .await?;
    let ahead = rows.iter().map(|row| {
        Ok(Ahead {
            id: row.try_get("", "id")?,
            aggregate: row.try_get("", "aggregate")?,
            version: row.try_get("", "version")?,
        })
    });
    Ok(ahead.collect::<Result<_, DbErr>>()?)
}

/// Committed events that are not settled yet: whether there are any, and the sessions
/// that they end. An end must act at once and needs no order.
pub(super) struct Unsettled {
    pub(super) any: bool,
    pub(super) ended_sessions: Vec<Uuid>,
}

pub(super) async fn unsettled(db: &Db, cursor: Position) -> Result<Unsettled> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(Unsettled {
            any: false,
            ended_sessions: Vec::new(),
        });
    }
    let sql = "SELECT CASE WHEN kind = $3 THEN aggregate END AS session FROM events \
               WHERE (txid, id) > ($1, $2) ORDER BY (kind = $3) DESC LIMIT 1000";
    let values = [cursor.txid.into(), cursor.id.into(), SESSION_ENDED.into()];
    let rows = db
        .read()
        .query_all_raw(db.dialect().statement(sql, values))
        .await?;
    let sessions = rows
        .iter()
        .map(|row| row.try_get::<Option<Uuid>>("", "session"));
    let sessions: Vec<Option<Uuid>> = sessions.collect::<Result<_, DbErr>>()?;
    Ok(Unsettled {
        any: !sessions.is_empty(),
        ended_sessions: sessions.into_iter().flatten().collect(),
    })
}

/// Whether the log holds the end of a session.
pub(super) async fn session_ended(db: &Db, user: Uuid, session: Uuid) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM events WHERE topic = $1 AND aggregate = $2 AND kind = $3";
    let values = [
        session_topic(user).into(),
        session.into(),
        SESSION_ENDED.into(),
    ];
    let row = db
        .read()
        .query_one_raw(db.dialect().statement(sql, values))
        .await?;
    Ok(row.is_some())
}

/// What is kept of the log: everything after `horizon`, and nothing at or past `ceiling`
/// has been given to anybody.
pub(super) struct Bounds {
    pub(super) horizon: Position,
    pub(super) ceiling: Position,
}

pub(super) async fn bounds(db: &Db) -> Result<Bounds> {
    let ceiling = match db.dialect() {
        Dialect::Postgres => {
            "pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS ceiling_txid, \
             0::bigint AS ceiling_id"
        }
        Dialect::Sqlite => {
            "0 AS ceiling_txid, coalesce((SELECT seq FROM sqlite_sequence \
             WHERE name = 'events'), 0) + 1 AS ceiling_id"
        }
    };
    let sql = format!("SELECT txid, id, {ceiling} FROM event_horizon");
    let row = db
        .read()
        .query_one_raw(db.dialect().statement(sql, []))
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("event_horizon".to_owned()))?;
    Ok(Bounds {
        horizon: position(&row)?,
        ceiling: Position {
            txid: row.try_get("", "ceiling_txid")?,
            id: row.try_get("", "ceiling_id")?,
        },
    })
}

/// The position of the newest settled event, or the horizon when none is kept.
pub(super) async fn head(db: &Db) -> Result<Position> {
    let horizon = bounds(db).await?.horizon;
    let newest = last(db, settled(db.dialect())).await?;
    Ok(newest.map_or(horizon, |newest| Ord::max(newest, horizon)))
}

/// The position of the newest committed event, settled or not.
pub(super) async fn newest(db: &Db) -> Result<Option<Position>> {
    last(db, "").await
}

async fn last(db: &Db, and: &str) -> Result<Option<Position>> {
    let sql = format!(
        "SELECT txid, id FROM events WHERE id > 0{and} ORDER BY txid DESC, id DESC LIMIT 1"
    );
    let row = db
        .read()
        .query_one_raw(db.dialect().statement(sql, []))
        .await?;
    Ok(row.as_ref().map(position).transpose()?)
}

/// A dump that is restored into a new PostgreSQL cluster carries transaction ids that
/// the new cluster has not reached: those events would stay unsettled for ever. Their
/// ids alone order them, so the transactions are forgotten.
pub(super) async fn rebase_after_restore(db: &Db) -> Result<()> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    db.transact(|tx| async move {
        let sql = "SELECT 1 AS one FROM events \
                   WHERE txid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint \
                   UNION ALL SELECT 1 FROM event_horizon \
                   WHERE txid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint LIMIT 1";
        let foreign = tx
            .conn()
            .query_one_raw(tx.dialect().statement(sql, []))
            .await?;
        if foreign.is_some() {
            tracing::warn!("the event log comes from another database cluster; adopting it");
            for sql in [
                "UPDATE events SET txid = 0",
                "UPDATE event_horizon SET txid = 0",
            ] {
                tx.conn()
                    .execute_raw(tx.dialect().statement(sql, []))
                    .await?;
            }
        }
        Ok(())
    })
    .await
}

/// Deletes the oldest events, `limit` at the most, of those that stand at or before the
/// youngest one older than `before`, and moves the horizon with them.
pub(super) async fn prune(tx: &Tx, before: Time, limit: i64) -> Result<u64> {
    let one = async |sql: String, values: Vec<Value>| {
        let row = tx
            .conn()
            .query_one_raw(tx.dialect().statement(sql, values))
            .await?;
        row.as_ref().map(position).transpose()
    };
    let settled = settled(tx.dialect());
    let sql = format!(
        "SELECT txid, id FROM events WHERE created_at < $1{settled} \
         ORDER BY created_at DESC, id DESC LIMIT 1"
    );
    let Some(youngest) = one(sql, vec![before.micros().into()]).await? else {
        return Ok(0);
    };
    let bound =
        |position: Position| -> Vec<Value> { vec![position.txid.into(), position.id.into()] };
    let mut values = bound(youngest);
    values.push((limit - 1).into());
    let until = position_is(tx.dialect(), "<=", [1, 2]);
    let sql =
        format!("SELECT txid, id FROM events WHERE {until} ORDER BY txid, id LIMIT 1 OFFSET $3");
    let last = one(sql, values).await?.unwrap_or(youngest);
    let execute = async |sql: &str| {
        tx.conn()
            .execute_raw(tx.dialect().statement(sql, bound(last)))
            .await
    };
    let deleted = execute(&format!("DELETE FROM events WHERE {until}")).await?;
    execute("UPDATE event_horizon SET txid = $1, id = $2 WHERE (txid, id) < ($1, $2)").await?;
    Ok(deleted.rows_affected())
}

async fn select(
    db: &Db,
    sql: String,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Event>> {
    let rows = db
        .read()
        .query_all_raw(db.dialect().statement(sql, values))
        .await?;
    Ok(rows.iter().map(event).collect::<Result<_, DbErr>>()?)
}

fn event(row: &QueryResult) -> Result<Event, DbErr> {
    Ok(Event {
        topic: row.try_get("", "topic")?,
        kind: row.try_get("", "kind")?,
        aggregate: row.try_get("", "aggregate")?,
        version: row.try_get("", "version")?,
        payload: Bytes::from(row.try_get::<Vec<u8>>("", "payload")?),
        position: position(row)?,
        at: Time::from_micros(row.try_get("", "created_at")?),
    })
}

fn position(row: &QueryResult) -> Result<Position, DbErr> {
    Ok(Position {
        txid: row.try_get("", "txid")?,
        id: row.try_get("", "id")?,
    })
}
