//! The memory store: one registry a process, so that clients of equal options share one token.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
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
///
/// What a cached call reads stands together.
#[repr(C)]
pub(crate) struct Entry {
    pub(crate) held: ArcSwap<Held>,
    /// A flight has left something here: a token or a failure. Where none has, calls do not look into `held` and `failure`, since
    /// a thread's first look takes the longer the more threads there are, and thousands may start without a token.
    pub(crate) used: AtomicBool,
    pub(crate) key: CacheKey,
    pub(crate) target: Arc<Target>,
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
    pub(crate) fn new(key: CacheKey, target: Arc<Target>) -> Entry {
        Entry {
            held: ArcSwap::new(Held::nothing()),
            used: AtomicBool::new(false),
            key,
            target,
            failure: ArcSwapOption::empty(),
            clock_offset: AtomicI64::new(0),
            forced: ArcSwapOption::empty(),
            refused: ArcSwapOption::empty(),
        }
    }

    pub(crate) fn put(&self, held: Arc<Held>) {
        self.used.store(true, Ordering::Release);
        self.held.store(held);
    }

    /// What is held, if a flight has left anything here.
    #[inline]
    pub(crate) fn token(&self) -> Option<Guard<Arc<Held>>> {
        self.used.load(Ordering::Acquire).then(|| self.held.load())
    }

    /// The error that is the answer for now, with the seconds that are left.
    pub(crate) fn refusal(&self, now: Moment) -> Option<Error> {
        if !self.used.load(Ordering::Acquire) {
            return None;
        }
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
    pub(crate) fn entry(&self, key: CacheKey, target: Arc<Target>) -> Arc<Entry> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get_or_insert(key, || Arc::new(Entry::new(key, target))).clone();
        if entries.len() > CAPACITY.get() {
            entries.pop_lru();
        }
        entry
    }
}
