//! One flight per key: the only place with concurrency. The leader is a task of the engine, never of a caller, so a
//! caller that goes away leaves it running; all who wait share its outcome, a failure too.

use std::sync::Arc;

use crate::cache::key::CacheKey;
use crate::cache::memory::{Entry, Failure};
use crate::clock::Moment;
use crate::config::Config;
use crate::credential;
use crate::engine::Engine;
use crate::error::Error;
use crate::fetch::fetch;
use crate::lifecycle;
use crate::random;
use crate::stats::{Counters, count};
use crate::token::Held;

mod board;
/// The locks of the board; a model checker puts its own in their place.
mod sync {
    pub(super) use std::sync::{Arc, Mutex, MutexGuard};
}

/// What a flight ends with.
pub(crate) type Outcome = Result<Arc<Held>, Error>;
/// All flights of the process.
pub(crate) type Flights = board::Board<CacheKey, Outcome>;
/// The wait for one. Bounded by the `timeout` of the flight.
pub(crate) type Flight = board::Wait<Outcome>;

type Leader = board::Leader<'static, CacheKey, Outcome>;

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
    match engine.flights.ask(&mission.entry.key, landed, crashed) {
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
pub(crate) async fn alone(engine: &'static Engine, mission: Mission) -> Outcome {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    start(engine, mission, Landing::Alone(sender))?;
    receiver.await.unwrap_or_else(|_| crashed())
}

fn start(engine: &'static Engine, mission: Mission, landing: Landing) -> Result<(), Error> {
    count(&mission.counters.flights);
    mission.counters.in_flight.up(engine.identity());
    let mut pilot = Pilot { mission, landing: Some(landing) };
    engine.spawn(async move {
        let mission = &pilot.mission;
        let outcome = fetch(engine, &mission.config, &mission.entry, &mission.counters).await;
        pilot.land(outcome);
    })
}

/// Whom the outcome goes to.
enum Landing {
    Shared(Leader),
    Alone(tokio::sync::oneshot::Sender<Outcome>),
}

/// Sees to it that the outcome is kept and counted before anybody is told, after a panic too.
struct Pilot {
    mission: Mission,
    landing: Option<Landing>,
}

impl Pilot {
    fn land(&mut self, outcome: Result<Held, Error>) {
        let Some(landing) = self.landing.take() else { return };
        let Mission { entry, config, counters } = &self.mission;
        let failed = outcome.is_err();
        let outcome = match landing {
            Landing::Shared(_) => keep(entry, config, outcome),
            Landing::Alone(_) => outcome.map(Arc::new),
        };
        if failed {
            count(&counters.failures);
        }
        counters.in_flight.down();
        match landing {
            Landing::Shared(leader) => leader.land(outcome),
            // The one who asked may have gone away.
            Landing::Alone(sender) => drop(sender.send(outcome)),
        }
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.land(Err(fault()));
    }
}

/// Writes the outcome into the entry, before the flight ends, so that whoever comes later finds it there.
fn keep(entry: &Entry, config: &Config, outcome: Result<Held, Error>) -> Outcome {
    let tried = entry.tried.load_full();
    match outcome {
        Ok(mut held) => {
            entry.failure.store(None);
            if entry.held.load().as_ref().is_some_and(|old| old.value == held.value) {
                held.lifetime = lifecycle::sticky_lifetime(held.lifetime);
            }
            let held = Arc::new(held);
            // Lifetime zero, or fetched with a credential that has been replaced meanwhile: for those who wait, and not kept.
            if !held.lifetime.is_zero() && !credential::has_changed(config, tried.as_deref()) {
                entry.held.store(Some(held.clone()));
            }
            Ok(held)
        }
        Err(error) => {
            let count = entry.failure.load().as_ref().map_or(1, |failure| failure.count.saturating_add(1));
            let wait = lifecycle::refusal(count, error.retryable(), error.wait(), random::unit());
            let until = Moment::now().after(wait);
            entry.failure.store(Some(Arc::new(Failure { error: error.clone(), until, count, tried })));
            Err(error.with_retry_after(Some(wait)))
        }
    }
}
