//! One flight per key: the only place with concurrency. The leader is a task of the engine, never of a caller, so a
//! caller that goes away leaves it running; all who wait share its outcome, a failure too.

use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use crate::cache::memory::{Entry, Failure};
use crate::clock::Moment;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::fetch::fetch;
use crate::lifecycle;
use crate::random;
use crate::stats::{Counters, count};
use crate::token::Held;

/// What a flight ends with.
pub(crate) type Outcome = Result<Arc<Held>, Error>;

/// A flight under way, as those see it who wait.
#[derive(Clone)]
pub(crate) struct Flight(watch::Receiver<Option<Outcome>>);

impl Flight {
    /// Waits for the end. Bounded by the `timeout` of the flight.
    pub(crate) async fn outcome(mut self) -> Outcome {
        let landed = self.0.wait_for(Option::is_some).await;
        let outcome = landed.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| Err(crashed()))
    }
}

fn crashed() -> Error {
    Error::internal("the token request ended in a fault inside the library")
}

/// What a flight is for.
pub(crate) struct Mission {
    pub(crate) entry: Arc<Entry>,
    pub(crate) config: Arc<Config>,
    pub(crate) counters: Arc<Counters>,
}

/// Joins the flight of this key, or starts one. `landed` looks once more, under the lock, whether a flight has landed
/// since the caller looked; then there is none to join.
pub(crate) fn board<T>(
    engine: &'static Engine,
    mission: Mission,
    landed: impl FnOnce() -> Option<T>,
) -> Result<Boarding<T>, Error> {
    let mut flights = engine.flights.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(flight) = flights.get(&mission.entry.key) {
        count(&mission.counters.joined);
        return Ok(Boarding::Flight(flight.clone()));
    }
    if let Some(answer) = landed() {
        return Ok(Boarding::Landed(answer));
    }
    let (sender, receiver) = watch::channel(None);
    let key = mission.entry.key;
    start(engine, mission, sender, true)?;
    let flight = Flight(receiver);
    flights.insert(key, flight.clone());
    Ok(Boarding::Flight(flight))
}

/// The way of `board`.
pub(crate) enum Boarding<T> {
    /// There is an answer already.
    Landed(T),
    /// Wait for this.
    Flight(Flight),
}

/// A flight of one's own, for a client that keeps nothing.
pub(crate) fn alone(engine: &'static Engine, mission: Mission) -> Result<Flight, Error> {
    let (sender, receiver) = watch::channel(None);
    start(engine, mission, sender, false)?;
    Ok(Flight(receiver))
}

fn start(
    engine: &'static Engine,
    mission: Mission,
    sender: watch::Sender<Option<Outcome>>,
    shared: bool,
) -> Result<(), Error> {
    count(&mission.counters.flights);
    count(&mission.counters.in_flight);
    let mut leader = Leader { engine, mission, sender, shared, landed: false };
    engine.spawn(async move {
        let mission = &leader.mission;
        let outcome = fetch(engine, &mission.config, &mission.entry, &mission.counters).await;
        leader.land(outcome);
    })
}

/// Holds the flight open. Dropped without landing, by a panic, it lands with an error, so that nobody waits for ever.
struct Leader {
    engine: &'static Engine,
    mission: Mission,
    sender: watch::Sender<Option<Outcome>>,
    /// Whether others can have joined, and the outcome is kept.
    shared: bool,
    landed: bool,
}

impl Leader {
    fn land(&mut self, outcome: Result<Held, Error>) {
        self.landed = true;
        let Mission { entry, counters, .. } = &self.mission;
        let outcome = if self.shared { keep(entry, outcome) } else { outcome.map(Arc::new) };
        if outcome.is_err() {
            count(&counters.failures);
        }
        counters.in_flight.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        if self.shared {
            let mut flights = self.engine.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.remove(&entry.key);
        }
        self.sender.send_replace(Some(outcome));
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if !self.landed {
            self.land(Err(crashed()));
        }
    }
}

/// Writes the outcome into the entry, before the flight ends, so that whoever comes later finds it there.
fn keep(entry: &Entry, outcome: Result<Held, Error>) -> Outcome {
    match outcome {
        Ok(mut held) => {
            entry.failure.store(None);
            if entry.held.load().as_ref().is_some_and(|old| old.value == held.value) {
                held.lifetime = lifecycle::sticky_lifetime(held.lifetime);
            }
            let held = Arc::new(held);
            // Lifetime zero: for those who wait, and not kept.
            if !held.lifetime.is_zero() {
                entry.held.store(Some(held.clone()));
            }
            Ok(held)
        }
        Err(error) => {
            let count = entry.failure.load().as_ref().map_or(1, |failure| failure.count.saturating_add(1));
            let wait = lifecycle::refusal(count, error.retryable(), error.wait(), random::unit());
            let until = Moment::now().after(wait);
            entry.failure.store(Some(Arc::new(Failure { error: error.clone(), until, count })));
            Err(error.with_retry_after(Some(wait)))
        }
    }
}
