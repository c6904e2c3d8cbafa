//! Turns at the server, while a shared store is down. What the store would have answered is then asked for directly: a few at
//! once and the rest one after another, so that an outage of the store is no storm at the issuer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::lifecycle;

/// The turns of one process: until when they are given away.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Option<Instant>>);

impl Turns {
    /// Takes the next turn: how long it is until then. `None`: longer than `patience`, and none is taken.
    pub(crate) fn take(&self, patience: Duration) -> Option<Duration> {
        let now = Instant::now();
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (wait, given) = lifecycle::turn(until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now)));
        if wait > patience {
            return None;
        }
        *until = Some(now + given);
        Some(wait)
    }
}
