//! Who may call what of operations.

use super::Refusal::Denied;
use super::{ADMIN, EVERYONE, Row, Step, row};

/// Every job has spent its tries.
const BROKEN: &str = "UPDATE jobs SET state = 'DEAD', attempts = max_attempts, \
     last_error = 'it broke', finished_at = created_at";
/// Every job waits for its time.
const WAITING: &str = "UPDATE jobs SET state = 'PENDING', finished_at = NULL \
     WHERE state = 'DONE' AND dedupe_key IS NULL";

pub const ROWS: &[Row] = &[
    row("OpsService/GetInfo", "{}", EVERYONE, Denied),
    row("OpsService/CheckHealth", "{}", EVERYONE, Denied),
    row("OpsService/CheckLiveness", "{}", EVERYONE, Denied),
    row("OpsService/CheckReadiness", "{}", EVERYONE, Denied),
    row("OpsService/Hello", "{}", EVERYONE, Denied),
    row("OpsService/PingCache", "{}", EVERYONE, Denied),
    row("OpsService/GetMetrics", "{}", EVERYONE, Denied),
    row(
        "OpsService/EnqueueTestJob",
        r#"{"message":"hello"}"#,
        EVERYONE,
        Denied,
    ),
    row("OpsService/ListJobs", "{}", ADMIN, Denied),
    row("OpsService/ListAuditLog", "{}", ADMIN, Denied),
    row("OpsService/ListQueues", "{}", ADMIN, Denied),
    row("OpsService/GetJob", r#"{"id":"$job"}"#, ADMIN, Denied),
    row("OpsService/CancelJob", r#"{"id":"$job"}"#, ADMIN, Denied).after(&[Step::Sql(WAITING)]),
    row("OpsService/RetryDeadJobs", "{}", ADMIN, Denied).after(&[Step::Sql(BROKEN)]),
    row("OpsService/RetryJob", r#"{"id":"$job"}"#, ADMIN, Denied).after(&[Step::Sql(BROKEN)]),
];
