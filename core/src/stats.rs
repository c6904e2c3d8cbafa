//! Counters of one client.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::Serialize;

/// What a client has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// HTTP requests to the token endpoint, repeats included.
    pub token_requests: u64,
    /// Flights started: each is one search for a token, of one to three requests.
    pub flights: u64,
    /// Flights under way now.
    pub in_flight: u64,
    /// Calls that joined a flight already under way.
    pub joined: u64,
    /// Flights that failed.
    pub failures: u64,
    /// Calls answered with the error of the last flight, without a request.
    pub refused: u64,
    /// Tokens handed out because they were still valid after their refresh had failed.
    pub stale: u64,
    /// Tokens given up because a resource server refused them.
    pub invalidations: u64,
}

impl Stats {
    /// The counters as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The live counters behind [`Stats`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) token_requests: AtomicU64,
    pub(crate) flights: AtomicU64,
    pub(crate) in_flight: InFlight,
    pub(crate) joined: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) stale: AtomicU64,
    pub(crate) invalidations: AtomicU64,
}

impl Counters {
    /// `engine` is the one of this process.
    pub(crate) fn read(&self, engine: usize) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            token_requests: read(&self.token_requests),
            flights: read(&self.flights),
            in_flight: self.in_flight.read(engine),
            joined: read(&self.joined),
            failures: read(&self.failures),
            refused: read(&self.refused),
            stale: read(&self.stale),
            invalidations: read(&self.invalidations),
        }
    }
}

/// Flights under way. Those that were under way when a process forked do not exist in the child, so the count is of one
/// engine.
#[derive(Default)]
pub(crate) struct InFlight {
    engine: AtomicUsize,
    count: AtomicU64,
}

impl InFlight {
    pub(crate) fn up(&self, engine: usize) {
        if self.engine.swap(engine, Ordering::Relaxed) != engine {
            self.count.store(0, Ordering::Relaxed);
        }
        count(&self.count);
    }

    pub(crate) fn down(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    fn read(&self, engine: usize) -> u64 {
        match self.engine.load(Ordering::Relaxed) == engine {
            true => self.count.load(Ordering::Relaxed),
            false => 0,
        }
    }
}

/// Counts one more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
