//! Counters of one client.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What a client has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// HTTP requests to the token endpoint, repeats included.
    pub token_requests: u64,
    /// Flights started: each is one search for a token, of one to three requests.
    pub flights: u64,
    /// Flights under way now in this process, whichever client started them: clients of equal options share them.
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
    /// Tokens taken from the shared store.
    pub store_hits: u64,
    /// Searches for which the shared store had no token of use.
    pub store_misses: u64,
    /// Failures of the shared store, and entries in it that were not to be trusted.
    pub store_errors: u64,
    /// Readings of a secret's file that every user of the machine can read: a warning.
    pub exposed_files: u64,
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
    pub(crate) joined: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) stale: AtomicU64,
    pub(crate) invalidations: AtomicU64,
    pub(crate) store_hits: AtomicU64,
    pub(crate) store_misses: AtomicU64,
    pub(crate) store_errors: AtomicU64,
    pub(crate) exposed_files: AtomicU64,
}

impl Counters {
    /// `in_flight` is counted by the engine.
    pub(crate) fn read(&self, in_flight: u64) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            token_requests: read(&self.token_requests),
            flights: read(&self.flights),
            in_flight,
            joined: read(&self.joined),
            failures: read(&self.failures),
            refused: read(&self.refused),
            stale: read(&self.stale),
            invalidations: read(&self.invalidations),
            store_hits: read(&self.store_hits),
            store_misses: read(&self.store_misses),
            store_errors: read(&self.store_errors),
            exposed_files: read(&self.exposed_files),
        }
    }
}

/// Counts one more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
