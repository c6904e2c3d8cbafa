//! The Redis store, also of Valkey: an entry is a string under `tokenwell:{NAME}`, its lock one under `tokenwell:{NAME}:lock`.
//! Every key has an end to its life. The braces keep the two on one node of a cluster.
//!
//! The user of the access control list needs `~tokenwell:* +get +getrange +set +del +pttl +pexpire +eval`.
//!
//! Each question is a task of its own, which goes on when the flight has stopped waiting for it: so a connection that is
//! slow to come is there for the next flight, and a server that is silent is known to be.

use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::{Answer, Found, LONGEST_ENTRY, Lock, Name, Store};
use crate::error::{Error, ErrorKind};
use crate::token::Source;

mod address;
mod link;
mod wire;

pub(crate) use address::Address;
use link::Link;
use wire::{Command, Fault, Reply};

/// Takes the lock if nobody has it, or if this very question was asked before and its answer got lost. A lock without an end,
/// which is none of ours, is given one.
const LOCK: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end \
if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end \
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end \
return 0";

/// Gives the lock back, if it is still the same: after its end it may be another's.
const UNLOCK: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// One Redis, cluster or set of sentinels.
pub(super) struct RedisStore(Arc<Link>);

impl RedisStore {
    pub(super) fn new(address: Address) -> RedisStore {
        RedisStore(Arc::new(Link::new(address)))
    }

    fn ask<T: Send + 'static>(&self, name: &Name, command: Command, read: impl Read<T>) -> Answer<'static, T> {
        let (link, name) = (self.0.clone(), name.clone());
        answer(async move { link.ask(name.as_str(), &command).await }, read)
    }
}

/// How an answer is understood.
trait Read<T>: FnOnce(Result<Reply, Fault>) -> Result<T, Fault> + Send + 'static {}
impl<T, F: FnOnce(Result<Reply, Fault>) -> Result<T, Fault> + Send + 'static> Read<T> for F {}

/// Asks in a task of its own.
fn answer<T: Send + 'static>(
    question: impl Future<Output = Result<Reply, Fault>> + Send + 'static,
    read: impl Read<T>,
) -> Answer<'static, T> {
    let task = tokio::spawn(async move { read(question.await) });
    Box::pin(async move {
        let fault = |_| Error::internal("a question to Redis ended in a fault inside the library");
        task.await.map_err(fault)?.map_err(|fault| failed(&fault))
    })
}

/// What is made of an answer.
#[cfg(any(fuzzing, test))]
pub(crate) async fn read(mut answer: &[u8]) -> Result<(), Error> {
    wire::read(&mut answer).await.map(drop).map_err(|fault| failed(&fault))
}

/// What the server says is not in it: that is for its own log.
fn failed(fault: &Fault) -> Error {
    let what = match fault {
        Fault::Way(_) => "I/O error",
        Fault::Refusal(_) => "it refused the command",
        Fault::NoEntry(_) => "it refused the login",
        Fault::Unasked(why) => why,
    };
    let message = format!("Redis did not serve: {what}");
    Error::new(ErrorKind::Cache, "redis_failed", message).with_retryable(true).with_hint(advice(fault))
}

fn advice(fault: &Fault) -> &'static str {
    use std::io::ErrorKind::{ConnectionRefused, NotFound, TimedOut};
    match (fault, fault.code().unwrap_or_default()) {
        (Fault::Way(TimedOut), _) => {
            "no answer came within 50 ms: take a Redis that is nearer, and see whether a firewall is in the way"
        }
        (Fault::Way(ConnectionRefused | NotFound), _) => {
            "nobody listens there: correct host and port, and see that Redis runs"
        }
        (Fault::Way(_), _) => {
            "correct host and port; with rediss:// see that `tls_ca_file` or the system trusts its certificate"
        }
        (_, "NOAUTH" | "WRONGPASS") => "correct user and password in the URL of `cache`",
        (_, "NOPERM") => "give the user these rights: ~tokenwell:* +get +getrange +set +del +pttl +pexpire +eval",
        (_, "READONLY") => "it is a replica: name the master, or the sentinels that know it",
        (_, "LOADING" | "CLUSTERDOWN" | "MASTERDOWN") => "wait until it has loaded its data and has all its nodes",
        (_, "OOM") => "its memory is full: raise `maxmemory`, or let it evict (`maxmemory-policy allkeys-lru`)",
        (Fault::NoEntry(_), _) => "correct user, password and database in the URL of `cache`",
        _ => "see what its log says",
    }
}

fn key(name: &Name) -> String {
    format!("tokenwell:{{{}}}", name.as_str())
}

fn lock_key(name: &Name) -> String {
    format!("{}:lock", key(name))
}

impl Store for RedisStore {
    fn source(&self) -> Source {
        Source::Redis
    }

    fn budget(&self) -> Duration {
        self.0.budget()
    }

    fn load<'a>(&'a self, name: &'a Name) -> Answer<'a, Found> {
        let command = Command::new(&[b"GETRANGE", key(name).as_bytes(), b"0", LONGEST_ENTRY.to_string().as_bytes()]);
        self.ask(name, command, |answer| match answer {
            Ok(Reply::Bytes(entry)) if entry.is_empty() => Ok(Found::Nothing),
            Ok(Reply::Bytes(entry)) if entry.len() <= LONGEST_ENTRY => Ok(Found::Entry(Zeroizing::new(entry))),
            Ok(_) => Ok(Found::Unusable),
            // A list, a set: somebody else's, or somebody's mischief.
            Err(fault) if fault.code() == Some("WRONGTYPE") => Ok(Found::Unusable),
            Err(fault) => Err(fault),
        })
    }

    fn save<'a>(&'a self, name: &'a Name, entry: Vec<u8>, life: Duration) -> Answer<'a, ()> {
        let command = Command::new(&[b"SET", key(name).as_bytes(), &entry, b"PX", millis(life).as_bytes()]);
        self.ask(name, command, |answer| answer.map(drop))
    }

    fn try_lock<'a>(&'a self, name: &'a Name, hold: Duration) -> Answer<'a, Option<Box<dyn Lock>>> {
        let mut random = [0; 16];
        if SystemRandom::new().fill(&mut random).is_err() {
            return Box::pin(async { Err(Error::internal("the operating system gave no random bytes")) });
        }
        let key = lock_key(name);
        let command = Command::new(&[b"EVAL", LOCK.as_bytes(), b"1", key.as_bytes(), &random, millis(hold).as_bytes()]);
        let mut lock = RedisLock { link: self.0.clone(), name: name.clone(), random, held: true };
        self.ask(name, command, move |answer| {
            // Without an answer it may have been granted all the same: then it is given back when it is dropped.
            lock.held = matches!(&answer, Ok(Reply::Number(1))) || matches!(&answer, Err(Fault::LATE));
            answer.map(|_| lock.held.then(|| Box::new(lock) as Box<dyn Lock>))
        })
    }
}

/// Redis takes no end of life that is none.
fn millis(time: Duration) -> String {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, LONGEST_LIFE).to_string()
}

/// Ten years: more than any token, and far from what overflows in Redis. Milliseconds.
const LONGEST_LIFE: u64 = 315_360_000_000;

struct RedisLock {
    link: Arc<Link>,
    name: Name,
    /// What the lock's key holds, so that nobody gives back another's.
    random: [u8; 16],
    held: bool,
}

impl RedisLock {
    fn give_back(&mut self) -> impl Future<Output = Result<Reply, Fault>> + Send + 'static {
        self.held = false;
        let key = lock_key(&self.name);
        let command = Command::new(&[b"EVAL", UNLOCK.as_bytes(), b"1", key.as_bytes(), &self.random]);
        let (link, name) = (self.link.clone(), self.name.clone());
        async move { link.ask_anyway(name.as_str(), &command).await }
    }
}

impl Lock for RedisLock {
    fn release(mut self: Box<Self>) -> Answer<'static, ()> {
        answer(self.give_back(), |given_back| given_back.map(drop))
    }
}

impl Drop for RedisLock {
    fn drop(&mut self) {
        if self.held
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn(self.give_back()));
        }
    }
}
