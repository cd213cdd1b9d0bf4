//! The operations, each a thin name for a method of the contract.

use async_graphql::{Context, Error, Object, SimpleObject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{call, call_or_null};

/// What a call of the contract costs, of all that a query may.
pub const CALL: usize = 25;

/// What can be asked.
pub struct Query;

/// What can be done.
pub struct Mutation;

#[Object]
impl Query {
    /// Greets the caller.
    #[graphql(complexity = "CALL")]
    async fn hello(&self, context: &Context<'_>) -> Result<String, Error> {
        let answer = call(context, "/souk.ops.v1.OpsService/Hello", json!({})).await?;
        Ok(text(&answer, "message"))
    }

    /// Asks the cache whether it is there: "PONG".
    #[graphql(complexity = "CALL")]
    async fn redis_ping(&self, context: &Context<'_>) -> Result<String, Error> {
        let answer = call(context, "/souk.ops.v1.OpsService/PingCache", json!({})).await?;
        Ok(text(&answer, "reply"))
    }

    /// The queues of background work with their counts, for administrators; null for others,
    /// whose other fields are answered all the same.
    #[graphql(complexity = "CALL + child_complexity")]
    async fn queues(&self, context: &Context<'_>) -> Result<Option<Vec<Queue>>, Error> {
        let path = "/souk.ops.v1.OpsService/ListQueues";
        let Some(answer) = call_or_null(context, path, json!({})).await else {
            return Ok(None);
        };
        let queues = answer.get("queues").cloned().unwrap_or_default();
        serde_json::from_value(queues).map(Some).map_err(|error| {
            tracing::error!(%error, "the queues do not have the form of the schema");
            Error::new("internal error")
        })
    }
}

/// Where the work of one queue stands.
#[derive(Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
struct Queue {
    /// The queue's name.
    name: String,
    /// Jobs that wait for their time, for their next try, or for their turn.
    pending: i32,
    /// Of these, jobs that could run now and wait for a worker.
    due: i32,
    /// Jobs that run now.
    running: i32,
    /// Jobs that have failed for the last time.
    dead: i32,
    /// How long the oldest due job waits, in seconds; 0 when none does.
    oldest_due_seconds: f64,
}

#[Object]
impl Mutation {
    /// Enqueues a job that writes a message to the log.
    #[graphql(complexity = "CALL")]
    async fn add_job(&self, context: &Context<'_>, message: String) -> Result<bool, Error> {
        let request = json!({"message": message});
        call(context, "/souk.ops.v1.OpsService/EnqueueTestJob", request).await?;
        Ok(true)
    }
}

fn text(answer: &Value, field: &str) -> String {
    let text = answer.get(field).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
