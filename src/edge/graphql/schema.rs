//! The operations, each a thin name for a method of the contract.

use async_graphql::{Context, Error, Object};
use serde_json::{Value, json};

use super::caller::call;

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
