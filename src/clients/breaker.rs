//! A circuit breaker: a provider that keeps failing is left alone for a while, so that
//! its callers fail at once instead of waiting, and it gets the rest that it needs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Gauge, gauge};

use crate::kernel::{Clock, Error, Result, Time};

/// The last calls that count.
const WINDOW: usize = 10;
/// So many failures among them open the circuit.
const FAILURES_MAX: usize = 5;
/// How long an open circuit lets nobody through.
const PAUSE: Duration = Duration::from_secs(30);

/// The circuit of one provider. Clones share it.
#[derive(Debug, Clone)]
pub struct Breaker {
    provider: &'static str,
    clock: Clock,
    state: Arc<Mutex<State>>,
    /// 0 while all may call, 1 while one tries, 2 while nobody may.
    told: Gauge,
}

#[derive(Debug)]
enum State {
    /// All may call; whether the last ones failed, the oldest first.
    Closed(VecDeque<bool>),
    /// Nobody may call before this instant; then one may try.
    Open(Time),
    /// One tries; the others wait until this instant for what it finds.
    HalfOpen(Time),
}

/// Leave to call once. Dropped without a word, it tells nothing of the provider: whoever
/// asked went away, which anybody can do as often as they like. So every call needs a limit
/// of its own that is shorter than its caller's patience.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    breaker: Breaker,
    is_settled: bool,
}

impl Breaker {
    /// The closed circuit of a provider, whom the log names so.
    pub fn new(provider: &'static str, clock: Clock) -> Self {
        Self {
            provider,
            clock,
            state: Arc::new(Mutex::new(State::Closed(VecDeque::new()))),
            told: gauge!("souk_breaker_state", "provider" => provider),
        }
    }

    /// Leave to call the provider.
    ///
    /// # Errors
    /// UNAVAILABLE with the pause while the circuit is open.
    pub fn enter(&self) -> Result<Permit> {
        let now = self.clock.now();
        let mut state = self.lock();
        match *state {
            State::Closed(_) => {}
            State::Open(until) | State::HalfOpen(until) if now < until => {
                let pause = until.since(now);
                let open = Error::unavailable("the provider is left alone for now", "circuit open");
                return Err(open.retry_after(pause));
            }
            // The one that tries has a pause of its own to find out.
            State::Open(_) | State::HalfOpen(_) => {
                self.told.set(1.0);
                *state = State::HalfOpen(now + PAUSE);
            }
        }
        drop(state);
        Ok(Permit {
            breaker: self.clone(),
            is_settled: false,
        })
    }

    fn record(&self, failed: bool) {
        let (provider, now) = (self.provider, self.clock.now());
        let mut state = self.lock();
        match &mut *state {
            State::Closed(last) => {
                if last.len() == WINDOW {
                    last.pop_front();
                }
                last.push_back(failed);
                let failures = last.iter().filter(|failed| **failed).count();
                if failures >= FAILURES_MAX {
                    tracing::error!(
                        provider,
                        failures,
                        "a provider keeps failing and is left alone"
                    );
                    *state = State::Open(now + PAUSE);
                }
            }
            State::HalfOpen(_) if failed => *state = State::Open(now + PAUSE),
            State::HalfOpen(_) => {
                tracing::info!(provider, "a provider works again");
                *state = State::Closed(VecDeque::new());
            }
            // A call that began before the circuit opened tells nothing new.
            State::Open(_) => {}
        }
        self.told.set(match *state {
            State::Closed(_) => 0.0,
            State::HalfOpen(_) => 1.0,
            State::Open(_) => 2.0,
        });
    }

    /// Forgets a call that nobody waits for any more. If it was the one that tries, another
    /// may try at once.
    fn abandoned(&self) {
        let mut state = self.lock();
        if matches!(*state, State::HalfOpen(_)) {
            *state = State::Open(self.clock.now());
            self.told.set(2.0);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The provider did its part, whatever it answered.
    pub fn succeeded(mut self) {
        self.is_settled = true;
        self.breaker.record(false);
    }

    /// The provider did not do its part.
    pub fn failed(mut self) {
        self.is_settled = true;
        self.breaker.record(true);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_settled {
            self.breaker.abandoned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Reason;

    fn breaker() -> Breaker {
        Breaker::new("test", Clock::manual(Time::from_micros(0)))
    }

    fn fail(breaker: &Breaker, times: usize) {
        for _ in 0..times {
            breaker.enter().unwrap().failed();
        }
    }

    #[test]
    fn five_failures_of_the_last_ten_open_it() {
        let breaker = breaker();
        fail(&breaker, 4);
        for _ in 0..6 {
            breaker.enter().unwrap().succeeded();
        }
        // The eleventh call pushes the first failure out.
        fail(&breaker, 1);
        breaker.enter().unwrap().succeeded();
        fail(&breaker, 3);
        breaker.enter().unwrap().succeeded();
        fail(&breaker, 1);
        let refused = breaker.enter().unwrap_err();
        assert_eq!(refused.reason(), Reason::Unavailable);
        assert_eq!(refused.retry_delay(), Some(PAUSE));
    }

    #[test]
    fn after_the_pause_one_tries_and_the_others_wait() {
        let breaker = breaker();
        fail(&breaker, FAILURES_MAX);
        breaker.clock.advance(PAUSE - Duration::from_micros(1));
        assert!(breaker.enter().is_err());
        breaker.clock.advance(Duration::from_micros(1));
        let trial = breaker.enter().unwrap();
        assert!(breaker.enter().is_err());
        trial.failed();
        assert!(breaker.enter().is_err());
        breaker.clock.advance(PAUSE);
        breaker.enter().unwrap().succeeded();
        // Closed again, with nothing held against the provider.
        fail(&breaker, FAILURES_MAX - 1);
        assert!(breaker.enter().is_ok());
    }

    #[test]
    fn a_call_that_is_given_up_tells_nothing_and_blocks_nobody() {
        let breaker = breaker();
        fail(&breaker, FAILURES_MAX - 1);
        for _ in 0..WINDOW {
            drop(breaker.enter().unwrap());
        }
        fail(&breaker, 1);
        assert!(breaker.enter().is_err());
        breaker.clock.advance(PAUSE);
        // The one that tries goes away: the next one tries in its place.
        drop(breaker.enter().unwrap());
        let trial = breaker.enter().unwrap();
        assert!(breaker.enter().is_err());
        trial.succeeded();
        assert!(breaker.enter().is_ok());
    }

    #[test]
    fn what_began_before_it_opened_does_not_close_it() {
        let breaker = breaker();
        let slow = breaker.enter().unwrap();
        fail(&breaker, FAILURES_MAX);
        slow.succeeded();
        assert!(breaker.enter().is_err());
    }
}
