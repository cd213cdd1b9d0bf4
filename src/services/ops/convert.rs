//! Operations on the wire.

use super::entity::Model as AuditEntry;
use super::health::Component;
use super::store::AuditFilter;
use crate::grpc;
use crate::grpc::convert::time_to_pb;
use crate::jobs::{Filter, Job, State};
use crate::kernel::id::{AuditId, UserId};
use crate::kernel::{Result, Time};
use crate::pb::souk::ops::v1 as pb;
use crate::pb::souk::ops::v1::check_health_response::{Component as ComponentPb, Status};
use crate::pb::souk::ops::v1::job::State as StatePb;

pub(super) fn job_to_pb(job: Job) -> pb::Job {
    let Job {
        id,
        queue: _,
        kind,
        payload: _,
        state,
        attempts,
        max_attempts,
        run_at,
        last_error,
        created_at,
        finished_at,
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
    }
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
        kind: Some(request.kind.clone()).filter(|kind| !kind.is_empty()),
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

/// How the server is as a whole, in one word and in a sentence.
pub(super) fn overall(components: &[Component]) -> (Status, &'static str) {
    let mut down = components.iter().filter(|component| !component.is_up());
    match down.clone().next() {
        None => (Status::Up, "souk works"),
        Some(_) if down.any(Component::is_vital) => (Status::Down, "souk is down"),
        Some(_) => (Status::Degraded, "souk works without a part that is down"),
    }
}

const fn status(up: bool) -> Status {
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
