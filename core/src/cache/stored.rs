//! A token as it is written into a shared store, under the seal.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::clock::{self, Moment, Reading};
use crate::token::{Held, Source, TokenText, TokenType};

/// The clocks of two machines may differ by so much. An entry that is further in the future is not believed.
const TOLERANCE: Duration = Duration::from_secs(5);
/// Ten years: as for the options, no token lives longer.
const LONGEST_LIFETIME: Duration = Duration::from_secs(315_360_000);

/// Times in milliseconds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored<'a> {
    /// Borrowed, so that there is no copy of a token that nobody wipes.
    #[serde(borrow)]
    value: Cow<'a, str>,
    token_type: Cow<'a, str>,
    scope: Option<String>,
    extra: Map<String, Value>,
    /// When the request was sent, since 1970.
    sent: u64,
    lifetime: u64,
    /// Whether it was fetched because a resource server had refused the one before.
    forced: bool,
    /// The run of the machine, and when the request was sent on its clock.
    run: Option<(String, u64)>,
}

impl<'a> Stored<'a> {
    /// The bytes of this token.
    pub(crate) fn of(held: &'a Held, forced: bool) -> Option<Zeroizing<Vec<u8>>> {
        let stored = Stored {
            value: held.value.as_str().into(),
            token_type: held.value.token_type.as_str().into(),
            scope: held.scope.clone(),
            extra: held.extra.clone(),
            sent: unix_millis(held.expires_at.checked_sub(held.lifetime)?),
            lifetime: millis(held.lifetime)?,
            forced,
            run: clock::run().map(|run| (run, held.sent.millis())),
        };
        // Large enough at once in all but odd cases, so that growing leaves no copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096 + 2 * stored.value.len()));
        serde_json::to_writer(&mut *bytes, &stored).ok().map(|()| bytes)
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Option<Stored<'a>> {
        serde_json::from_slice(bytes).ok()
    }

    /// The token with what is left of its life, by whichever clock says less; and whether it was forced. `None`: its times
    /// cannot be true.
    pub(crate) fn held(self, origin: Source) -> Option<(Held, bool)> {
        let token_type = TokenType::of(&self.token_type)?;
        let lifetime = Duration::from_millis(self.lifetime);
        let sent = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(self.sent))?;
        let by_wall = match clock::wall().duration_since(sent) {
            Ok(age) => age,
            Err(ahead) if ahead.duration() <= TOLERANCE => Duration::ZERO,
            Err(_) => return None,
        };
        let by_run = match (&self.run, clock::run()) {
            (Some((then, sent)), Some(now)) if *then == now => Moment::now().millis().saturating_sub(*sent),
            _ => 0,
        };
        let age = by_wall.max(Duration::from_millis(by_run));
        if lifetime > LONGEST_LIFETIME {
            return None;
        }
        let Reading { now, wall_ahead } = clock::read();
        let held = Held {
            value: TokenText::new(token_type, &self.value),
            scope: self.scope,
            extra: self.extra,
            origin,
            sent: now.before(age),
            wall_ahead,
            lifetime,
            expires_at: sent.checked_add(lifetime)?,
        };
        Some((held, self.forced))
    }
}

fn millis(time: Duration) -> Option<u64> {
    u64::try_from(time.as_millis()).ok()
}

/// Milliseconds since 1970.
pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(sent: SystemTime, lifetime: u64, run: Option<(String, u64)>) -> Stored<'static> {
        Stored {
            value: "token".into(),
            token_type: "Bearer".into(),
            scope: None,
            extra: Map::new(),
            sent: unix_millis(sent),
            lifetime,
            forced: false,
            run,
        }
    }

    fn left(stored: Stored<'_>) -> Option<u64> {
        let (held, _) = stored.held(Source::File)?;
        Some(held.lifetime.saturating_sub(Moment::now().since(held.sent)).as_secs_f64().round() as u64)
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn f33_its_age_is_what_the_wall_clock_says() {
        assert_eq!(left(stored(clock::wall() - MINUTE, 100_000, None)), Some(40));
        assert_eq!(left(stored(clock::wall() - 2 * MINUTE, 100_000, None)), Some(0));
    }

    #[test]
    fn f33_a_wall_clock_that_was_set_back_makes_no_token_younger() {
        let run = clock::run().map(|run| (run, Moment::now().before(MINUTE).millis()));
        if run.is_some() {
            assert_eq!(left(stored(clock::wall(), 100_000, run)), Some(40));
        }
        let other = Some(("another machine".to_owned(), 0));
        assert_eq!(left(stored(clock::wall(), 100_000, other)), Some(100), "its clock says nothing here");
    }

    #[test]
    fn f33_an_entry_from_the_future_is_not_believed() {
        assert_eq!(left(stored(clock::wall() + Duration::from_secs(3), 100_000, None)), Some(100));
        assert_eq!(left(stored(clock::wall() + MINUTE, 100_000, None)), None);
        assert_eq!(left(stored(clock::wall(), u64::MAX, None)), None);
    }
}
