//! What is counted of calls and connections. Counters are looked up once for each method,
//! so that a call pays for a few atomic additions and nothing else.

use std::sync::OnceLock;
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tonic::Code;

use crate::kernel::{CODE_WORDS, code_word};
use crate::pb::policy::{self, MethodPolicy};

/// Counts the calls of every method of the contract.
#[derive(Debug)]
pub(super) struct CallMeters(Box<[OnceLock<CallMeter>]>);

#[derive(Debug)]
struct CallMeter {
    method: &'static str,
    seconds: Histogram,
    in_flight: Gauge,
    /// By the code's number; each exists once it was answered.
    answered: [OnceLock<Counter>; CODE_WORDS.len()],
}

impl CallMeters {
    pub(super) fn new() -> Self {
        Self(policy::ALL.iter().map(|_| OnceLock::new()).collect())
    }

    /// Counts a call as under way, until what is returned is told its end or dropped.
    pub(super) fn begin(&self, index: usize, policy: &MethodPolicy) -> Option<UnderWay<'_>> {
        let meter = self.0.get(index)?;
        let meter = meter.get_or_init(|| CallMeter::new(policy.path.trim_start_matches('/')));
        meter.in_flight.increment(1.0);
        Some(UnderWay {
            meter,
            began: Instant::now(),
            code: Code::Cancelled,
        })
    }
}

impl CallMeter {
    fn new(method: &'static str) -> Self {
        Self {
            method,
            seconds: histogram!("souk_rpc_seconds", "method" => method),
            in_flight: gauge!("souk_rpc_in_flight", "method" => method),
            answered: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    fn answered(&self, code: Code) -> Option<&Counter> {
        let counter = self.answered.get(code as usize)?;
        let labels = [("method", self.method), ("code", code_word(code as usize))];
        Some(counter.get_or_init(|| counter!("souk_rpc_calls_total", &labels)))
    }
}

/// A call under way. Dropped without a word, its client has gone.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    meter: &'a CallMeter,
    began: Instant,
    code: Code,
}

impl UnderWay<'_> {
    pub(super) fn answered(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.meter.in_flight.decrement(1.0);
        self.meter.seconds.record(self.began.elapsed());
        if let Some(counter) = self.meter.answered(self.code) {
            counter.increment(1);
        }
    }
}

/// Counts connections.
#[derive(Debug)]
pub(super) struct ConnectionMeter {
    pub(super) open: Gauge,
    pub(super) let_in: Counter,
    /// Too many in all.
    pub(super) over_total: Counter,
    /// Too many of one address.
    pub(super) over_address: Counter,
    /// Silent, or half a handshake, for too long.
    pub(super) silent: Counter,
    /// Calls that came while the server stopped.
    pub(super) late: Counter,
}

impl ConnectionMeter {
    pub(super) fn new() -> Self {
        let refused = |reason| counter!("souk_connections_refused_total", "reason" => reason);
        Self {
            open: gauge!("souk_connections_open"),
            let_in: counter!("souk_connections_total"),
            over_total: refused("total"),
            over_address: refused("address"),
            silent: refused("handshake"),
            late: counter!("souk_rpc_draining_total"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_word() {
        for number in 0..CODE_WORDS.len() {
            let code = Code::from_i32(i32::try_from(number).unwrap());
            assert_eq!(code as usize, number);
            let name = format!("{code:?}").to_ascii_uppercase();
            assert_eq!(code_word(code as usize).replace('_', ""), name);
        }
    }
}
