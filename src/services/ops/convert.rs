//! Operations on the wire.

use super::entity::Model as AuditEntry;
use super::health::Component;
use super::store::AuditFilter;
use crate::grpc;
use crate::grpc::convert::time_to_pb;
use crate::jobs::{Filter, Job, QueueCounts, State};
use crate::kernel::id::{AuditId, UserId};
use crate::kernel::{Result, Time};
use crate::pb::souk::ops::v1 as pb;
use crate::pb::souk::ops::v1::check_health_response::{Component as ComponentPb, Status};
use crate::pb::souk::ops::v1::job::State as StatePb;

/// Dead jobs that are retried together when the request names no number.
const RETRY_USUAL: u32 = 100;
/// The most that are retried together, so that no transaction is long.
const RETRY_MOST: u32 = 1_000;

pub(super) fn job_to_pb(job: Job) -> pb::Job {
    let Job {
        id,
        queue,
        kind,
        payload: _,
        state,
        attempts,
        max_attempts,
        run_at,
        last_error,
        created_at,
        finished_at,
        order_key,
    } = job;
    pb::Job {
        id: id.to_string(),
        kind,
        state: state_to_pb(state).into(),
        attempts,
        max_attempts,
        run_at: Some(time_to_pb(run_at)),
        last_error,
        created_at: Some(time_to_pb(created_at)),
        finished_at: finished_at.map(time_to_pb),
        queue,
        order_key,
    }
}

/// How a queue is at `now`.
pub(super) fn queue_to_pb(queue: QueueCounts, now: Time) -> pb::Queue {
    let oldest_due_seconds = queue.oldest_due_age(now).as_secs_f64();
    let QueueCounts {
        name,
        pending,
        due,
        oldest_due: _,
        running,
        dead,
    } = queue;
    pb::Queue {
        name,
        pending: count_to_pb(pending),
        running: count_to_pb(running),
        dead: count_to_pb(dead),
        due: count_to_pb(due),
        oldest_due_seconds,
    }
}

fn count_to_pb(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

const fn state_to_pb(state: State) -> StatePb {
    match state {
        State::Pending => StatePb::Pending,
        State::Running => StatePb::Running,
        State::Done => StatePb::Done,
        State::Dead => StatePb::Dead,
    }
}

const fn state_from_pb(state: StatePb) -> Option<State> {
    match state {
        StatePb::Unspecified => None,
        StatePb::Pending => Some(State::Pending),
        StatePb::Running => Some(State::Running),
        StatePb::Done => Some(State::Done),
        StatePb::Dead => Some(State::Dead),
    }
}

/// Which jobs a request asks for.
pub(super) fn filter_from_pb(request: &pb::ListJobsRequest) -> Filter {
    Filter {
        state: state_from_pb(request.state()),
        kind: named(&request.kind).map(str::to_owned),
        queue: named(&request.queue).map(str::to_owned),
    }
}

/// A name that a request gives; an empty one is none.
pub(super) fn named(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.is_empty())
}

/// How many dead jobs a request asks for.
pub(super) fn retry_limit_from_pb(limit: i32) -> u32 {
    match limit.unsigned_abs() {
        0 => RETRY_USUAL,
        asked => Ord::min(asked, RETRY_MOST),
    }
}

/// Which entries of the audit log a request asks for; its paging is taken out already.
pub(super) fn audit_filter_from_pb(request: pb::ListAuditLogRequest) -> Result<AuditFilter> {
    let pb::ListAuditLogRequest {
        actor_id,
        method,
        limit: _,
        page_token: _,
        page: _,
    } = request;
    Ok(AuditFilter {
        actor: grpc::optional_id("actorId", &actor_id)?,
        method: Some(method).filter(|method| !method.is_empty()),
    })
}

pub(super) fn audit_entry_to_pb(entry: AuditEntry) -> pb::AuditEntry {
    let AuditEntry {
        id,
        actor_id,
        method,
        request,
        request_id,
        ip_address,
        created_at,
    } = entry;
    pb::AuditEntry {
        id: AuditId::from(id).to_string(),
        actor_id: UserId::from(actor_id).to_string(),
        method,
        request,
        request_id,
        ip_address,
        created_at: Some(time_to_pb(Time::from_micros(created_at))),
    }
}

pub(super) fn status(up: bool) -> Status {
    if up { Status::Up } else { Status::Down }
}

pub(super) fn component_to_pb(component: &Component) -> ComponentPb {
    ComponentPb {
        name: component.name.to_owned(),
        status: status(component.is_up()).into(),
        latency_ms: component
            .latency
            .map(|latency| (latency.as_secs_f64() * 1e6).round() / 1e3),
    }
}
