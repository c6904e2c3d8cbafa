//! The board of flights: who leads, who joins, who is told. It knows nothing of tokens, so that a model checker can run it
//! with its own locks (tests/flight_model.rs).

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use super::sync::{Arc, Mutex, MutexGuard, RwLock};

/// The flights under way, at most one a key.
pub(crate) struct Board<K, T> {
    flights: Mutex<HashMap<K, Arc<State<T>>>>,
}

/// What those who wait share.
struct State<T> {
    /// To be read by all at once: thousands who are woken together would queue for a lock of one.
    outcome: RwLock<Option<T>>,
    /// One place for each who waits; empty again when it has gone away. Locked after the outcome was found missing.
    waiting: Mutex<Vec<Option<Waker>>>,
}

impl<T: Clone> State<T> {
    fn outcome(&self) -> Option<T> {
        self.outcome.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What comes of asking the board.
pub(crate) enum Boarding<'b, K: Eq + Hash, T: Clone, R> {
    /// There is an answer already.
    Landed(R),
    /// A flight is under way: wait for its outcome.
    Joined(Wait<T>),
    /// There was none: whoever gets this flies it, and waits with the others.
    Leads(Leader<'b, K, T>, Wait<T>),
}

impl<K: Eq + Hash + Clone, T: Clone> Board<K, T> {
    pub(crate) fn new() -> Self {
        Board { flights: Mutex::new(HashMap::new()) }
    }

    /// Joins the flight of this key or opens one. `landed` looks under the lock whether one has landed since the caller
    /// looked. `crashed` is the outcome if the leader is dropped without landing.
    pub(crate) fn ask<R>(
        &self,
        key: &K,
        landed: impl FnOnce() -> Option<R>,
        crashed: fn() -> T,
    ) -> Boarding<'_, K, T, R> {
        let mut flights = lock(&self.flights);
        if let Some(state) = flights.get(key) {
            return Boarding::Joined(Wait::new(state.clone()));
        }
        if let Some(answer) = landed() {
            return Boarding::Landed(answer);
        }
        let state = Arc::new(State { outcome: RwLock::new(None), waiting: Mutex::new(Vec::new()) });
        flights.insert(key.clone(), state.clone());
        let wait = Wait::new(state.clone());
        Boarding::Leads(Leader { board: self, key: key.clone(), state, crashed, landed: false }, wait)
    }
}

/// The duty to end a flight. Dropped, by a panic or a failed start, it ends it too: nobody waits for ever.
pub(crate) struct Leader<'b, K: Eq + Hash, T: Clone> {
    board: &'b Board<K, T>,
    key: K,
    state: Arc<State<T>>,
    crashed: fn() -> T,
    landed: bool,
}

impl<K: Eq + Hash, T: Clone> Leader<'_, K, T> {
    /// Ends the flight. What is to be found by those who come later must be in its place before.
    pub(crate) fn land(mut self, outcome: T) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: T) {
        self.landed = true;
        lock(&self.board.flights).remove(&self.key);
        *self.state.outcome.write().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        let waiting = std::mem::take(&mut *lock(&self.state.waiting));
        // Outside the lock: a waker may run its task at once.
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

impl<K: Eq + Hash, T: Clone> Drop for Leader<'_, K, T> {
    fn drop(&mut self) {
        if !self.landed {
            self.end((self.crashed)());
        }
    }
}

/// Waits for the outcome of a flight.
pub(crate) struct Wait<T> {
    state: Arc<State<T>>,
    place: Option<usize>,
}

impl<T> Wait<T> {
    fn new(state: Arc<State<T>>) -> Wait<T> {
        Wait { state, place: None }
    }
}

impl<T: Clone> Future for Wait<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let state = self.state.clone();
        let landed = state.outcome().or_else(|| {
            let mut waiting = lock(&state.waiting);
            // Once more: whoever lands tells those who have a place by then.
            let landed = state.outcome();
            if landed.is_none() {
                let waker = Some(context.waker().clone());
                match self.place {
                    Some(place) => waiting[place] = waker,
                    None => {
                        self.place = Some(waiting.len());
                        waiting.push(waker);
                    }
                }
            }
            landed
        });
        match landed {
            Some(outcome) => {
                self.place = None;
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for Wait<T> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        // After the landing there are no places any more.
        if let Some(waker) = lock(&self.state.waiting).get_mut(place) {
            *waker = None;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
