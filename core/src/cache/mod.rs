//! Where tokens are kept: one entry a key in the memory of the process, and behind it, where the options say so, a store that
//! processes share. A new store is a file here and its line in [`open`].

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::config::Cache;
use crate::error::Error;
use crate::token::Source;

pub(crate) mod examine;
pub(crate) mod file;
pub(crate) mod key;
pub(crate) mod memory;
mod note;
pub(crate) mod redis;
pub(crate) mod seal;
pub(crate) mod shared;
pub(crate) mod stored;
pub(crate) mod turns;

/// The store of this option; `None`: nothing is shared. Opens nothing yet: a store connects when it is first asked.
pub(crate) fn open(cache: &Cache) -> Option<Arc<dyn Store>> {
    match cache {
        Cache::Memory | Cache::None => None,
        Cache::File(folder, rights) => Some(Arc::new(file::FileStore::new(folder.clone(), *rights))),
        Cache::Redis(address) => Some(Arc::new(redis::RedisStore::new(redis::Address::clone(address)))),
    }
}

/// A name in a store: 64 hexadecimal digits of a keyed hash.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn from_hash(hash: &[u8]) -> Name {
        Name(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a store has under a name.
pub(crate) enum Found {
    /// This entry.
    Entry(Zeroizing<Vec<u8>>),
    /// No entry.
    Nothing,
    /// Something that is no entry of ours: not to be read, and to be replaced by the next `save`.
    Unusable,
}

/// The longest that a flight waits for one answer of a store.
const BUDGET: Duration = Duration::from_millis(50);
/// The same for the first answer of a store that is connected to and has not failed. That is up to ten answers: of a name server,
/// a sentinel, the kernel, TLS, the login. A store that is away costs this once a process; after that it is looked for in the
/// background.
const FIRST_BUDGET: Duration = BUDGET.saturating_mul(10);
/// The parts in which a budget is waited.
const SLICE: Duration = Duration::from_millis(5);

/// The answer, if it comes within the budget, which may change meanwhile. That is counted in short waits: on a machine that is so
/// busy that this process comes late to each of them, the store has no fault and is given the longer time.
pub(crate) async fn in_time<T>(answer: impl Future<Output = T>, budget: impl Fn() -> Duration) -> Option<T> {
    let mut answer = pin!(answer);
    let mut waited = Duration::ZERO;
    while waited < budget() {
        if let Ok(answer) = timeout(SLICE, answer.as_mut()).await {
            return Some(answer);
        }
        waited += SLICE;
    }
    None
}

/// The longest entry, bytes. What is longer is not kept, and not read.
pub(crate) const LONGEST_ENTRY: usize = 2 * 1024 * 1024;

/// What a store answers, later. An error is a `CacheError`; it reaches no caller of the library.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A store that processes share. It keeps bytes under names and knows nothing of tokens: what it is given is sealed, what it
/// gives is believed only if the seal is whole, and all that is decided is decided in [`shared`].
///
/// The futures are polled on the one thread that drives the engine, in the process that opened the store: what blocks belongs on
/// `tokio::task::spawn_blocking`. Each is dropped after [`Store::budget`], wherever it stands, and the flight goes on without
/// the store; a store need not watch the time itself, but must be able to go on after that, and should
/// answer with an error at once while it knows that it is down. A child after fork opens a store of its own.
pub(crate) trait Store: Send + Sync {
    /// What a token from here names as its source.
    fn source(&self) -> Source;

    /// How long an answer may take that is waited for now: 50 ms, and [`FIRST_BUDGET`] while a connection is made for the
    /// first time or after one that was sound.
    fn budget(&self) -> Duration {
        BUDGET
    }

    /// What is under this name. Takes no lock.
    fn load<'a>(&'a self, name: &'a Name) -> Answer<'a, Found>;

    /// Puts an entry under this name, for `life` at most, in the place of what was there: all of it or nothing.
    fn save<'a>(&'a self, name: &'a Name, entry: Vec<u8>, life: Duration) -> Answer<'a, ()>;

    /// The lock of this name, if nobody has it; does not wait. It ends with the process that holds it, or with `hold` where
    /// that cannot be known. A lock that is granted after the future was dropped is given back.
    fn try_lock<'a>(&'a self, name: &'a Name, hold: Duration) -> Answer<'a, Option<Box<dyn Lock>>>;
}

/// A lock that is held. Dropped without [`Lock::release`], as in a panic, it is given back too, as soon as that can be.
pub(crate) trait Lock: Send {
    /// Gives it back.
    fn release(self: Box<Self>) -> Answer<'static, ()>;
}
