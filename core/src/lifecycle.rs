//! When a token is fresh, when to ask again, how long to wait: decisions as functions of numbers. No clock, no I/O.

use std::time::Duration;

/// Where a token stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Hand it out.
    Fresh,
    /// Hand it out and refresh it in the background.
    Due,
    /// Wait for a refresh; if that fails, hand it out.
    Spent,
    /// Never hand it out.
    Dead,
}

/// The options that decide about phases.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Fraction of the lifetime, above 0; 1: no refresh before the token is spent.
    pub(crate) refresh_at: f64,
    /// `None`: the smaller of 10 seconds and a tenth of the lifetime.
    pub(crate) leeway: Option<Duration>,
}

impl Policy {
    /// The phase at `age`. `jitter` is the factor on `refresh_at` that spreads processes apart.
    pub(crate) fn phase(&self, age: Duration, lifetime: Duration, jitter: f64, min_valid: Duration) -> Phase {
        if age >= lifetime {
            return Phase::Dead;
        }
        let spent = lifetime - self.leeway(lifetime).max(self.attainable(lifetime, min_valid));
        let due = lifetime.mul_f64((self.refresh_at * jitter).min(1.0)).max(SHORTEST_FRESH).min(spent);
        match age {
            age if age >= spent => Phase::Spent,
            age if age >= due => Phase::Due,
            _ => Phase::Fresh,
        }
    }

    /// Whether a token may be handed out after its refresh has failed.
    pub(crate) fn is_usable(&self, age: Duration, lifetime: Duration, min_valid: Duration) -> bool {
        age < lifetime && lifetime - age >= self.attainable(lifetime, min_valid)
    }

    /// At most half of the lifetime, or every call would be a request.
    fn leeway(&self, lifetime: Duration) -> Duration {
        self.leeway.unwrap_or(Duration::from_secs(10).min(lifetime / 10)).min(lifetime / 2)
    }

    /// No refresh gives a token that lives longer than the server lets it: what is asked for is cut to `refresh_at` (or nine
    /// tenths) of the lifetime, or every call would be a request.
    fn attainable(&self, lifetime: Duration, min_valid: Duration) -> Duration {
        min_valid.min(lifetime.mul_f64(self.refresh_at.min(0.9)))
    }
}

/// A [`Policy`] in whole numbers, for the token that is fresh whatever its jitter, as nearly all are that are asked for.
pub(crate) struct ByFar {
    /// Of the lifetime, in 2^32ths: neither a refresh nor the leeway that is no option comes before.
    until: u64,
    /// The leeway that is an option, nanoseconds.
    leeway: u64,
}

impl ByFar {
    pub(crate) fn new(policy: &Policy) -> ByFar {
        let most = if policy.leeway.is_some() { 1.0 } else { 0.9 };
        ByFar {
            until: ((policy.refresh_at * LEAST_JITTER).min(most) * WHOLE as f64) as u64,
            leeway: policy.leeway.map_or(0, nanos),
        }
    }

    /// Cheap; [`Policy::phase`] is asked only where this says no. All times in nanoseconds.
    #[inline]
    pub(crate) fn is_fresh(&self, age: u64, lifetime: u64, min_valid: u64) -> bool {
        age < part(lifetime, self.until) && lifetime - age > self.leeway.max(min_valid)
    }
}

/// Jitter moves `refresh_at` by 5 % at most.
const LEAST_JITTER: f64 = 0.95;

const WHOLE: u64 = 1 << 32;

/// So many 2^32ths of a number.
#[inline]
fn part(number: u64, of_whole: u64) -> u64 {
    (u128::from(number) * u128::from(of_whole) / u128::from(WHOLE)) as u64
}

/// More than 584 years are as many.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(duration.subsec_nanos()))
}

/// A wall clock that has gone ahead by more than this since a token was fetched has jumped, or this machine was stopped
/// without its other clock noticing. Nanoseconds.
const WALL_JUMP: i64 = 60_000_000_000;

/// The phase of a token after a jump of the wall clock: it is asked for anew, and still there if that fails. Only one flight
/// comes of it, since the next token is fetched under the new clock.
pub(crate) fn after_jump(phase: Phase, wall_ahead: i64) -> Phase {
    match phase {
        Phase::Fresh | Phase::Due if has_jumped(wall_ahead) => Phase::Spent,
        phase => phase,
    }
}

#[inline]
pub(crate) fn has_jumped(wall_ahead: i64) -> bool {
    wall_ahead > WALL_JUMP
}

/// Whether the difference between the server's clock and ours explains a refused assertion: more than the few seconds that
/// assertions are backdated by, less than what a wrong `Date` would claim. Seconds.
pub(crate) fn is_clock_offset(change: i64, offset: i64) -> bool {
    change.abs() > 5 && offset.abs() <= 3600
}

/// A `sticky` server gives the same token again at a refresh: what is left of it is its lifetime now, with a floor, so that
/// its last second is not a request per call.
pub(crate) fn sticky_lifetime(left: Duration) -> Duration {
    left.max(Duration::from_secs(1))
}

/// However early a refresh is asked for, refreshes of one key are so far apart.
const SHORTEST_FRESH: Duration = Duration::from_secs(1);

/// A resource server's 401 forces a refresh at most so often per key.
pub(crate) const FORCED_REFRESH_PAUSE: Duration = Duration::from_secs(5);

/// Attempts inside one flight.
pub(crate) const ATTEMPTS: u32 = 3;
/// A server's Retry-After counts up to here.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
const LONGEST_REFUSAL: Duration = Duration::from_secs(30);

/// The wait before the next attempt, or `None` if the flight ends here. `attempt` counts from 1; `left` is what remains of
/// the flight's time; `random` is in 0..1.
pub(crate) fn next_attempt(
    attempt: u32,
    retry_after: Option<Duration>,
    left: Duration,
    random: f64,
) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    // Full jitter: anything up to 0.1 s, then 0.2 s.
    let backoff = Duration::from_millis(100 << (attempt - 1)).mul_f64(random);
    Some(retry_after.unwrap_or_default().max(backoff)).filter(|wait| *wait < left)
}

/// How long the error of a failed flight is the answer. `failures` in a row counts from 1; `left` is what remains of the
/// token that callers still get, zero without one; `random` is in 0..1.
pub(crate) fn refusal(
    failures: u32,
    retryable: bool,
    retry_after: Option<Duration>,
    left: Duration,
    random: f64,
) -> Duration {
    let first = if retryable { Duration::from_millis(500) } else { Duration::from_secs(5) };
    if let Some(wait) = retry_after {
        return wait.clamp(first, LONGEST_RETRY_AFTER);
    }
    let doubled = first * 2_u32.pow(failures.clamp(1, 7) - 1);
    let wait = doubled.mul_f64(1.0 + random / 4.0).min(LONGEST_REFUSAL);
    // Half by half towards the token's end: a server that is back by then has been asked.
    if left.is_zero() { wait } else { wait.min(left / 2).max(first) }
}

/// How long a store that did not answer is left alone. `failures` in a row counts from 1; `random` is in 0..1.
pub(crate) fn store_pause(failures: u32, random: f64) -> Duration {
    let doubled = Duration::from_millis(100) * 2_u32.pow(failures.clamp(1, 7) - 1);
    doubled.mul_f64(1.0 + random / 4.0)
}

/// The pause before a process that waits for another's fetch looks again. `looks` counts from 0; `random` is in 0..1. Longer
/// each time, so that nobody waits for much longer than the fetch takes, and a great many who wait are no load on the store.
pub(crate) fn next_look(looks: u32, random: f64) -> Duration {
    let pause = Duration::from_millis(5).mul_f64(1.5_f64.powi(looks.min(12) as i32));
    pause.min(LONGEST_LOOK / 3 * 2).mul_f64(0.5 + random)
}

const LONGEST_LOOK: Duration = Duration::from_millis(750);

/// How long a failure holds for the other processes of a shared store: as after the first of its kind, however often this one has
/// failed, since a machine that has lost its network must not silence the others; and until all who wait have looked.
pub(crate) fn noted(retryable: bool, retry_after: Option<Duration>) -> Duration {
    refusal(1, retryable, retry_after, Duration::ZERO, 0.0) + LONGEST_LOOK
}

/// The part of `timeout` that a process keeps for a fetch of its own while it waits for another's; `random` is in 0..1. Those who
/// wait for one that hangs do not all lose patience in the same moment: the first may have a token for the others.
pub(crate) fn own_part(random: f64) -> f64 {
    0.25 + random / 4.0
}

/// Requests that a process makes at once while its shared store is down; more have to wait for their turn.
const TURNS_AT_ONCE: u32 = 20;
const BETWEEN_TURNS: Duration = Duration::from_millis(100);

/// The wait for a turn at the server, and what has been given away then, as a time from now. `given` is what had been before.
pub(crate) fn turn(given: Duration) -> (Duration, Duration) {
    (given.saturating_sub(BETWEEN_TURNS * (TURNS_AT_ONCE - 1)), given + BETWEEN_TURNS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy = Policy { refresh_at: 0.75, leeway: None };
    const NONE: Duration = Duration::ZERO;

    fn at(age: u64) -> Phase {
        POLICY.phase(Duration::from_secs(age), Duration::from_secs(1000), 1.0, NONE)
    }

    #[test]
    fn phases_in_order() {
        let phases = [
            (0, Phase::Fresh),
            (749, Phase::Fresh),
            (750, Phase::Due),
            (989, Phase::Due),
            (990, Phase::Spent),
            (999, Phase::Spent),
            (1000, Phase::Dead),
        ];
        for (age, phase) in phases {
            assert_eq!(at(age), phase, "{age}");
        }
    }

    #[test]
    fn min_valid_makes_a_token_spent_early_but_not_at_once() {
        let phase = |age, min_valid| {
            POLICY.phase(Duration::from_secs(age), Duration::from_secs(1000), 1.0, Duration::from_secs(min_valid))
        };
        assert_eq!(phase(600, 500), Phase::Spent);
        assert_eq!(phase(499, 500), Phase::Fresh);
        assert_eq!(phase(0, 5000), Phase::Fresh, "more than the server gives is not a request per call");
    }

    #[test]
    fn f04_retry_after_is_honoured_and_capped() {
        let ten_years = Duration::from_secs(315_360_000);
        assert_eq!(refusal(1, true, Some(ten_years), NONE, 0.0), LONGEST_RETRY_AFTER);
        assert_eq!(refusal(1, true, Some(Duration::ZERO), NONE, 0.0), Duration::from_millis(500));
        assert_eq!(
            next_attempt(1, Some(Duration::from_secs(2)), Duration::from_secs(10), 0.5),
            Some(Duration::from_secs(2))
        );
        assert_eq!(next_attempt(1, Some(ten_years), Duration::from_secs(10), 0.5), None);
    }

    prop_compose! {
        fn policies()(refresh_at in 0.01..=1.0_f64, leeway in proptest::option::of(0..100_000_u64)) -> Policy {
            Policy { refresh_at, leeway: leeway.map(Duration::from_secs) }
        }
    }

    proptest! {
        #[test]
        fn never_an_expired_token(policy in policies(), age in 0..2_000_000_u64, life in 0..1_000_000_u64, jitter in 0.95..1.05, min in 0..1_000_000_u64) {
            let (age, life, min) = (Duration::from_millis(age), Duration::from_millis(life), Duration::from_secs(min));
            if age >= life {
                prop_assert_eq!(policy.phase(age, life, jitter, min), Phase::Dead);
                prop_assert!(!policy.is_usable(age, life, min));
            } else {
                prop_assert_ne!(policy.phase(age, life, jitter, min), Phase::Dead);
            }
        }

        #[test]
        fn phases_never_go_back(policy in policies(), life in 1..1_000_000_u64, jitter in 0.95..1.05, min in 0..1_000_000_u64, a in 0.0..1.0, b in 0.0..1.0) {
            let life = Duration::from_millis(life);
            let at = |x: f64| policy.phase(life.mul_f64(x), life, jitter, Duration::from_millis(min)) as u8;
            prop_assert!(at(f64::min(a, b)) <= at(f64::max(a, b)));
        }

        #[test]
        fn fresh_by_far_is_fresh(policy in policies(), age in 0..2_000_000_u64, life in 0..1_000_000_u64, jitter in 0.95..1.05, min in 0..1_000_000_u64) {
            let (life, min) = (Duration::from_millis(life), Duration::from_millis(min));
            if ByFar::new(&policy).is_fresh(age * 1_000_000, nanos(life), nanos(min)) {
                prop_assert_eq!(policy.phase(Duration::from_millis(age), life, jitter, min), Phase::Fresh);
            }
        }

        #[test]
        fn a_new_token_is_not_asked_for_again_at_once(policy in policies(), life in 1..1_000_000_u64, jitter in 0.95..1.05, min in 0..1_000_000_u64) {
            prop_assert_eq!(policy.phase(Duration::ZERO, Duration::from_secs(life), jitter, Duration::from_secs(min)), Phase::Fresh);
        }

        #[test]
        fn refusals_are_finite_and_never_zero(failures in 0..u32::MAX, retryable: bool, after in proptest::option::of(0..u64::MAX), left in 0..1_000_000_u64, random in 0.0..1.0) {
            let wait = refusal(failures, retryable, after.map(Duration::from_secs), Duration::from_millis(left), random);
            prop_assert!(wait >= Duration::from_millis(500) && wait <= LONGEST_RETRY_AFTER);
        }

        #[test]
        fn a_server_that_is_back_at_the_tokens_end_is_asked_at_once(failures in 1..u32::MAX, retryable: bool, left in 1..10_000_000_u64, random in 0.0..1.0) {
            let first = refusal(1, retryable, None, NONE, 0.0);
            let (mut left, mut flights) = (Duration::from_millis(left), 0);
            loop {
                let wait = refusal(failures.saturating_add(flights), retryable, None, left, random);
                if wait >= left {
                    prop_assert!(wait - left <= first, "{:?} after the end", wait - left);
                    break;
                }
                left -= wait;
                flights += 1;
                prop_assert!(flights <= 10_000 / 30 + 20, "a hot loop");
            }
        }

        #[test]
        fn attempts_end(attempt in 1..100_u32, after in proptest::option::of(0..u64::MAX), left in 0..3600_u64, random in 0.0..1.0) {
            let left = Duration::from_secs(left);
            match next_attempt(attempt, after.map(Duration::from_secs), left, random) {
                Some(wait) => prop_assert!(attempt < ATTEMPTS && wait < left),
                None => prop_assert!(attempt >= ATTEMPTS || left <= after.map_or(Duration::from_millis(200), Duration::from_secs)),
            }
        }
    }

    #[test]
    fn a_store_is_looked_at_less_and_less_often() {
        let looks = |random| (0..40).map(|looks| next_look(looks, random)).collect::<Vec<_>>();
        let mean: Duration = looks(0.5).iter().take(14).sum();
        assert!(mean > Duration::from_secs(2), "not many looks within the time of a slow fetch: {mean:?}");
        assert!(looks(0.5).is_sorted() && looks(1.0).iter().all(|pause| *pause <= LONGEST_LOOK));
        assert!(looks(0.0).iter().zip(looks(1.0)).all(|(least, most)| *least < most), "jitter");
    }

    #[test]
    fn a_store_that_is_down_is_asked_again_within_seconds() {
        let pauses: Vec<Duration> = (1..100).map(|failures| store_pause(failures, 1.0)).collect();
        assert!(pauses.is_sorted() && pauses[0] <= Duration::from_millis(125));
        assert_eq!(pauses[98], Duration::from_secs(8));
    }

    #[test]
    fn while_a_store_is_down_a_few_go_at_once_and_the_rest_one_after_another() {
        let mut given = Duration::ZERO;
        let mut take = || {
            let (wait, after) = turn(given);
            given = after;
            wait
        };
        let waits: Vec<Duration> = (0..30).map(|_| take()).collect();
        assert!(waits[..20].iter().all(Duration::is_zero));
        assert_eq!((waits[20], waits[29]), (Duration::from_millis(100), Duration::from_secs(1)));
    }
}
