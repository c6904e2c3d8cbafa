//! The processes: each is a queue of moments at which it does something. What it does is decided in `lifecycle`.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::lifecycle::{self, Phase, Policy};
use crate::random::Random;

const PROCESSES: usize = 100_000;
/// All start within these seconds, as when a new version is rolled out at once.
const START: f64 = 10.0;
/// Of a token, seconds.
const LIFETIME: f64 = 3600.0;
/// How long the server takes to answer, seconds; an outage answers as fast.
const ANSWER: f64 = 0.1;
/// The library's default `timeout`; half of it is for the wait for another process's flight.
const TIMEOUT: f64 = 10.0;
const POLICY: Policy = Policy { refresh_at: 0.75, leeway: None };

/// What a fleet lives in.
pub struct World {
    pub jitter: bool,
    pub store: bool,
    pub outage: (f64, f64),
    pub seconds: usize,
}

/// What the server has seen.
pub struct Seen {
    /// Token requests in each second.
    pub requests: Vec<u64>,
    /// Flights that failed when no valid token was left, so that calls failed.
    pub failed: u64,
}

/// Something a process does.
#[derive(Clone, Copy)]
enum Deed {
    /// A call finds that the token is due, or that there is none.
    Call,
    /// The wait for another process's flight, which began then, goes on.
    Look { looks: u32, since: f64 },
    /// A request is sent: the n-th of a flight that began then.
    Send { attempt: u32, since: f64 },
}

struct Event {
    at: f64,
    process: usize,
    deed: Deed,
}

struct Process {
    /// When its token was asked for.
    token: Option<f64>,
    /// The factor on `refresh_at`.
    jitter: f64,
    /// Failed flights in a row.
    failures: u32,
}

/// All processes, the shared store and the server.
pub struct Fleet {
    world: World,
    random: Random,
    processes: Vec<Process>,
    events: BinaryHeap<Event>,
    /// When the token in the store was asked for.
    stored: Option<f64>,
    /// Whether a process holds the lock of the store.
    locked: bool,
    seen: Seen,
}

impl Fleet {
    pub fn new(world: World) -> Fleet {
        let mut random = Random(1);
        let mut events = BinaryHeap::new();
        let mut processes = Vec::new();
        for process in 0..PROCESSES {
            let jitter = if world.jitter { 0.95 + random.unit() / 10.0 } else { 1.0 };
            processes.push(Process { token: None, jitter, failures: 0 });
            events.push(Event { at: random.unit() * START, process, deed: Deed::Call });
        }
        let seen = Seen { requests: vec![0; world.seconds], failed: 0 };
        Fleet { world, random, processes, events, stored: None, locked: false, seen }
    }

    /// Plays until the end.
    pub fn play(mut self) -> Seen {
        while let Some(event) = self.events.pop() {
            if event.at >= self.world.seconds as f64 {
                break;
            }
            match event.deed {
                Deed::Call => self.look(event.at, event.process, 0, event.at),
                Deed::Look { looks, since } => self.look(event.at, event.process, looks, since),
                Deed::Send { attempt, since } => self.send(event.at, event.process, attempt, since),
            }
        }
        self.seen
    }

    fn push(&mut self, at: f64, process: usize, deed: Deed) {
        self.events.push(Event { at, process, deed });
    }

    /// The store first, then its lock, then the server.
    fn look(&mut self, now: f64, process: usize, looks: u32, since: f64) {
        if !self.world.store {
            return self.send(now, process, 1, since);
        }
        let jitter = self.processes[process].jitter;
        if let Some(stored) = self.stored.filter(|stored| phase(now - stored, jitter) == Phase::Fresh) {
            return self.keep(now, process, stored);
        }
        if !self.locked {
            self.locked = true;
            self.send(now, process, 1, since);
        } else if now - since < TIMEOUT / 2.0 {
            let pause = lifecycle::next_look(looks, self.unit(0.5)).as_secs_f64();
            self.push(now + pause, process, Deed::Look { looks: looks + 1, since });
        } else if self.left(now, process) > Duration::ZERO {
            self.end_in_failure(now, process);
        } else {
            self.send(now, process, 1, since);
        }
    }

    fn send(&mut self, now: f64, process: usize, attempt: u32, since: f64) {
        self.seen.requests[now as usize] += 1;
        let answered = now + ANSWER;
        if now < self.world.outage.0 || now >= self.world.outage.1 {
            self.stored = Some(now).filter(|_| self.world.store);
            self.locked = false;
            return self.keep(answered, process, now);
        }
        let left = Duration::from_secs_f64((since + TIMEOUT - answered).max(0.0));
        let random = self.unit(1.0);
        match lifecycle::next_attempt(attempt, None, left, random) {
            Some(wait) => {
                self.push(answered + wait.as_secs_f64(), process, Deed::Send { attempt: attempt + 1, since });
            }
            None => {
                self.locked = false;
                self.end_in_failure(answered, process);
            }
        }
    }

    /// The process has a token. The next call after it is due asks again.
    fn keep(&mut self, now: f64, process: usize, sent: f64) {
        let one = &mut self.processes[process];
        one.token = Some(sent);
        one.failures = 0;
        let due = (sent + due(one.jitter)).max(now);
        let at = due + self.random.wait();
        self.push(at, process, Deed::Call);
    }

    /// Its error is the answer for a while; the next call after that asks again.
    fn end_in_failure(&mut self, now: f64, process: usize) {
        let (random, left) = (self.unit(0.0), self.left(now, process));
        if left.is_zero() {
            self.seen.failed += 1;
        }
        let one = &mut self.processes[process];
        one.failures += 1;
        let wait = lifecycle::refusal(one.failures, true, None, left, random).as_secs_f64();
        let at = now + wait + self.random.wait();
        self.push(at, process, Deed::Call);
    }

    /// What remains of a process's token.
    fn left(&self, now: f64, process: usize) -> Duration {
        let end = self.processes[process].token.map_or(now, |sent| sent + LIFETIME);
        Duration::from_secs_f64((end - now).max(0.0))
    }

    /// Chance, or this where there is no jitter.
    fn unit(&mut self, fixed: f64) -> f64 {
        if self.world.jitter { self.random.unit() } else { fixed }
    }
}

fn phase(age: f64, jitter: f64) -> Phase {
    POLICY.phase(Duration::from_secs_f64(age.max(0.0)), Duration::from_secs_f64(LIFETIME), jitter, Duration::ZERO)
}

/// The age from which the library asks again, found by halving.
fn due(jitter: f64) -> f64 {
    let (mut fresh, mut due) = (0.0, LIFETIME);
    while due - fresh > 0.01 {
        let middle = (fresh + due) / 2.0;
        match phase(middle, jitter) {
            Phase::Fresh => fresh = middle,
            _ => due = middle,
        }
    }
    due
}

/// The earliest event is the greatest, since the queue gives the greatest first.
impl Ord for Event {
    fn cmp(&self, other: &Event) -> Ordering {
        other.at.total_cmp(&self.at).then(other.process.cmp(&self.process))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Event) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Event) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}
