//! The Redis store, also of Valkey: an entry is a string under `tokenwell:{NAME}`, its lock one under `tokenwell:{NAME}:lock`.
//! Every key has an end to its life. The braces keep the two on one node of a cluster.
//!
//! The user of the access control list needs `~tokenwell:* +get +getrange +set +del +pttl +pexpire +eval`.
//!
//! Each question is a task of its own, which goes on when the flight has stopped waiting for it: so a connection that is
//! slow to come is there for the next flight, and a server that is silent is known to be.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, RedisError, RedisResult, Value};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::{Answer, Found, LONGEST_ENTRY, Lock, Name, Store};
use crate::aside;
use crate::error::{Error, ErrorKind};
use crate::token::Source;

mod address;
mod link;

pub(crate) use address::Address;
use link::Link;

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

    fn ask<T: Send + 'static>(&self, name: &Name, command: Cmd, read: impl Read<T>) -> Answer<'static, T> {
        let (link, name) = (self.0.clone(), name.clone());
        answer(async move { link.ask(name.as_str(), &command).await }, read)
    }
}

/// How an answer is understood.
trait Read<T>: FnOnce(RedisResult<Value>) -> RedisResult<T> + Send + 'static {}
impl<T, F: FnOnce(RedisResult<Value>) -> RedisResult<T> + Send + 'static> Read<T> for F {}

/// Asks in a task of its own.
fn answer<T: Send + 'static>(
    question: impl Future<Output = RedisResult<Value>> + Send + 'static,
    read: impl Read<T>,
) -> Answer<'static, T> {
    let task = aside::run(async move { read(question.await) });
    Box::pin(async move {
        let fault = |_| Error::internal("a question to Redis ended in a fault inside the library");
        task.await.map_err(fault)?.map_err(|error| failed(&error))
    })
}

/// What the server says is not in it: that is for its own log.
fn failed(error: &RedisError) -> Error {
    let message = format!("Redis did not serve: {}", error.category());
    Error::new(ErrorKind::Cache, "redis_failed", message).with_retryable(true).with_hint(advice(error))
}

fn advice(error: &RedisError) -> &'static str {
    use redis::ErrorKind::{AuthenticationFailed, Server};
    use redis::ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, NoPerm, ReadOnly};
    match (error.kind(), error.code()) {
        _ if error.is_timeout() => {
            "no answer came within 50 ms: take a Redis that is nearer, and see whether a firewall is in the way"
        }
        _ if error.is_connection_refusal() => "nobody listens there: correct host and port, and see that Redis runs",
        (AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            "correct user and password in the URL of `cache`"
        }
        (Server(NoPerm), _) => "give the user these rights: ~tokenwell:* +get +getrange +set +del +pttl +pexpire +eval",
        (Server(ReadOnly), _) => "it is a replica: name the master, or the sentinels that know it",
        (Server(BusyLoading | ClusterDown | MasterDown), _) => {
            "wait until it has loaded its data and has all its nodes"
        }
        (_, Some("OOM")) => "its memory is full: raise `maxmemory`, or let it evict (`maxmemory-policy allkeys-lru`)",
        _ if error.is_io_error() => {
            "correct host and port; with rediss:// see that `tls_ca_file` or the system trusts its certificate"
        }
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
        let mut command = redis::cmd("GETRANGE");
        command.arg(key(name)).arg(0).arg(LONGEST_ENTRY);
        self.ask(name, command, |answer| match answer {
            Ok(Value::BulkString(entry)) if entry.is_empty() => Ok(Found::Nothing),
            Ok(Value::BulkString(entry)) if entry.len() <= LONGEST_ENTRY => Ok(Found::Entry(Zeroizing::new(entry))),
            Ok(_) => Ok(Found::Unusable),
            // A list, a set: somebody else's, or somebody's mischief.
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(Found::Unusable),
            Err(error) => Err(error),
        })
    }

    fn save<'a>(&'a self, name: &'a Name, entry: Vec<u8>, life: Duration) -> Answer<'a, ()> {
        let mut command = redis::cmd("SET");
        command.arg(key(name)).arg(entry).arg("PX").arg(millis(life));
        self.ask(name, command, |answer| answer.map(drop))
    }

    fn try_lock<'a>(&'a self, name: &'a Name, hold: Duration) -> Answer<'a, Option<Box<dyn Lock>>> {
        let mut random = [0; 16];
        if SystemRandom::new().fill(&mut random).is_err() {
            return Box::pin(async { Err(Error::internal("the operating system gave no random bytes")) });
        }
        let mut command = redis::cmd("EVAL");
        command.arg(LOCK).arg(1).arg(lock_key(name)).arg(&random).arg(millis(hold));
        let mut lock = RedisLock { link: self.0.clone(), name: name.clone(), random, held: true };
        self.ask(name, command, move |answer| {
            // Without an answer it may have been granted all the same: then it is given back when it is dropped.
            lock.held = matches!(&answer, Ok(Value::Int(1))) || answer.as_ref().is_err_and(RedisError::is_timeout);
            answer.map(|_| lock.held.then(|| Box::new(lock) as Box<dyn Lock>))
        })
    }
}

/// Redis takes no end of life that is none.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, LONGEST_LIFE)
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
    fn give_back(&mut self) -> impl Future<Output = RedisResult<Value>> + Send + 'static {
        self.held = false;
        let mut command = redis::cmd("EVAL");
        command.arg(UNLOCK).arg(1).arg(lock_key(&self.name)).arg(&self.random);
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
        if self.held && Handle::try_current().is_ok() {
            drop(aside::run(self.give_back()));
        }
    }
}
