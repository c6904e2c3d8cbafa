//! The memory store: one registry a process, so that clients of equal options share one token.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use lru::LruCache;

use super::key::CacheKey;
use crate::clock::Moment;
use crate::error::Error;
use crate::request::Target;
use crate::token::Held;

/// More keys than this push out the least recently made; a client keeps its own entries all the same.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// What is known under one key. Read without a lock, so it stays readable in a child after fork, whatever the parent
/// was doing.
pub(crate) struct Entry {
    pub(crate) key: CacheKey,
    pub(crate) target: Target,
    pub(crate) held: ArcSwap<Held>,
    pub(crate) failure: ArcSwapOption<Failure>,
    /// Seconds that the server's clock was found to be ahead, once it had refused an assertion over it.
    pub(crate) clock_offset: AtomicI64,
    /// When a resource server's 401 last forced a refresh.
    pub(crate) forced: ArcSwapOption<Moment>,
    /// Digest of the token that was refused then: it is not taken from a shared store again.
    pub(crate) refused: ArcSwapOption<Vec<u8>>,
}

/// The last flight failed: until `until` its error is the answer (a negative cache).
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) until: Moment,
    /// Failed flights in a row.
    pub(crate) count: u32,
    /// Fingerprint of the credential that was refused; `None`: it could not be read, or it is not the reason.
    pub(crate) tried: Option<Vec<u8>>,
}

impl Entry {
    pub(crate) fn new(key: CacheKey, target: Target) -> Entry {
        Entry {
            key,
            target,
            held: ArcSwap::new(Held::nothing()),
            failure: ArcSwapOption::empty(),
            clock_offset: AtomicI64::new(0),
            forced: ArcSwapOption::empty(),
            refused: ArcSwapOption::empty(),
        }
    }

    /// The error that is the answer for now, with the seconds that are left.
    pub(crate) fn refusal(&self, now: Moment) -> Option<Error> {
        let failure = self.failure.load();
        let failure = failure.as_ref().filter(|failure| failure.until > now)?;
        Some(failure.error.clone().with_retry_after(Some(failure.until.since(now))))
    }
}

/// All entries of the process, bounded.
pub(crate) struct Registry(Mutex<LruCache<CacheKey, Arc<Entry>>>);

impl Registry {
    pub(crate) fn new() -> Registry {
        Registry(Mutex::new(LruCache::unbounded()))
    }

    /// In a child after fork: the parent's entries, unless a thread that is gone holds their lock.
    pub(crate) fn inherit(&self) -> Registry {
        let inherited = self.0.try_lock().map(|entries| entries.clone());
        Registry(Mutex::new(inherited.unwrap_or_else(|_| LruCache::unbounded())))
    }

    /// The entry under this key, made if there is none.
    pub(crate) fn entry(&self, key: CacheKey, target: Target) -> Arc<Entry> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get_or_insert(key, || Arc::new(Entry::new(key, target))).clone();
        if entries.len() > CAPACITY.get() {
            entries.pop_lru();
        }
        entry
    }
}
