//! One flight per key: the only place with concurrency. The leader is a task of the engine, never of a caller, so a
//! caller that goes away leaves it running; all who wait share its outcome, a failure too.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::cache::key::CacheKey;
use crate::cache::memory::{Entry, Failure};
use crate::cache::shared;
use crate::clock::Moment;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::fetch::Fetched;
use crate::first_step;
use crate::lifecycle;
use crate::random;
use crate::stats::{Counters, count};
use crate::token::{Held, Source};

mod board;
/// The locks of the board; a model checker puts its own in their place.
mod sync {
    pub(super) use std::sync::{Arc, Mutex, MutexGuard, RwLock};
}

/// What a flight ends with.
pub(crate) type Outcome = Result<Arc<Held>, Error>;
/// All flights of the process.
pub(crate) type Flights = board::Board<FlightKey, Outcome>;
/// Callers of one key share a flight if they give it the same time: nobody waits by another's `timeout`.
type FlightKey = (CacheKey, Duration);
/// The wait for one. Bounded by the `timeout` of the flight.
pub(crate) type Flight = board::Wait<Outcome>;

type Leader = board::Leader<'static, FlightKey, Outcome>;

fn fault() -> Error {
    Error::internal("the token request ended in a fault inside the library")
}

fn crashed() -> Outcome {
    Err(fault())
}

/// What a flight is for.
pub(crate) struct Mission {
    pub(crate) entry: Arc<Entry>,
    pub(crate) config: Arc<Config>,
    pub(crate) counters: Arc<Counters>,
    /// What the first caller wants a token from a shared store to have left.
    pub(crate) min_valid: Duration,
}

/// The way of [`board`].
pub(crate) enum Boarding<R> {
    /// There is an answer already.
    Landed(R),
    /// Wait for this.
    Flight(Flight),
}

/// Joins the flight of this key, or starts one. `landed` looks once more whether a flight has landed since the caller looked.
pub(crate) fn board<R>(
    engine: &'static Engine,
    mission: Mission,
    landed: impl FnOnce() -> Option<R>,
) -> Result<Boarding<R>, Error> {
    match engine.flights.ask(&(mission.entry.key, mission.config.timeout), landed, crashed) {
        board::Boarding::Landed(answer) => Ok(Boarding::Landed(answer)),
        board::Boarding::Joined(flight) => {
            count(&mission.counters.joined);
            Ok(Boarding::Flight(flight))
        }
        board::Boarding::Leads(leader, flight) => {
            start(engine, mission, Landing::Shared(leader))?;
            Ok(Boarding::Flight(flight))
        }
    }
}

/// A flight of one's own, for a client that keeps nothing.
pub(crate) fn alone(
    engine: &'static Engine,
    mission: Mission,
) -> Result<impl Future<Output = Outcome> + Send + 'static, Error> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    start(engine, mission, Landing::Alone(sender))?;
    Ok(async move { receiver.await.unwrap_or_else(|_| crashed()) })
}

fn start(engine: &'static Engine, mission: Mission, landing: Landing) -> Result<(), Error> {
    count(&mission.counters.flights);
    count(&engine.in_flight);
    let mut pilot = Pilot { engine, mission, landing: Some(landing) };
    engine.drive()?.spawn(async move {
        first_step::only_if(|| engine.is_ready(&pilot.mission.config)).await;
        let fetched = shared::search(engine, &pilot.mission).await;
        pilot.land(fetched);
    });
    Ok(())
}

/// Whom the outcome goes to.
enum Landing {
    Shared(Leader),
    Alone(tokio::sync::oneshot::Sender<Outcome>),
}

/// Sees to it that the outcome is kept and counted before anybody is told, after a panic too.
struct Pilot {
    engine: &'static Engine,
    mission: Mission,
    landing: Option<Landing>,
}

impl Pilot {
    fn land(&mut self, fetched: Fetched) {
        let Some(landing) = self.landing.take() else { return };
        let Mission { entry, counters, .. } = &self.mission;
        match fetched {
            Fetched::Token { .. } => {}
            Fetched::Failed { .. } => count(&counters.failures),
            Fetched::Refused(_) => count(&counters.refused),
        }
        let outcome = match landing {
            Landing::Shared(_) => keep(entry, fetched),
            Landing::Alone(_) => pass_on(fetched),
        };
        self.engine.in_flight.fetch_sub(1, Ordering::Relaxed);
        match landing {
            Landing::Shared(leader) => leader.land(outcome),
            // The one who asked may have gone away.
            Landing::Alone(sender) => drop(sender.send(outcome)),
        }
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        if self.landing.is_some() {
            self.land(Fetched::Failed { error: fault(), tried: None });
        }
    }
}

fn pass_on(fetched: Fetched) -> Outcome {
    match fetched {
        Fetched::Token { held, .. } => Ok(Arc::new(held)),
        Fetched::Failed { error, .. } | Fetched::Refused(error) => Err(error),
    }
}

/// Writes the outcome into the entry, before the flight ends, so that whoever comes later finds it there.
fn keep(entry: &Entry, fetched: Fetched) -> Outcome {
    match fetched {
        Fetched::Token { mut held, keep } => {
            entry.failure.store(None);
            let again = entry.held.load().value == held.value;
            if again && held.origin == Source::Network {
                held.lifetime = lifecycle::sticky_lifetime(held.lifetime);
            }
            let held = Arc::new(held);
            // What lives for no time is for those who wait, and for nobody after them.
            if keep && !held.lifetime.is_zero() {
                entry.put(held.clone());
            }
            Ok(held)
        }
        Fetched::Failed { error, tried } => {
            let count = entry.failure.load().as_ref().map_or(1, |failure| failure.count.saturating_add(1));
            let now = Moment::now();
            let left = entry.held.load().left(now);
            let wait = lifecycle::refusal(count, error.retryable(), error.wait(), left, random::unit());
            let until = now.after(wait);
            entry.used.store(true, Ordering::Release);
            entry.failure.store(Some(Arc::new(Failure { error: error.clone(), until, count, tried })));
            Err(error.with_retry_after(Some(wait)))
        }
        Fetched::Refused(error) => Err(error),
    }
}
