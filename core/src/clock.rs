//! Time as a token sees it: a clock that goes on during suspend, and the wall clock for what is shown to people.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::engine::wall_seconds;

/// Moves the library's clock in tests (`testing::advance_clock`); zero in life. Nanoseconds.
static OFFSET: AtomicI64 = AtomicI64::new(0);

/// A moment on the clock that goes on during suspend, in nanoseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// The start lies so far back that a token can have been issued before this machine was started. Nanoseconds: 20 years.
const START: u64 = 20 * 365 * 86_400 * 1_000_000_000;

impl Moment {
    pub(crate) fn now() -> Moment {
        Moment((START + boot_nanos()).saturating_add_signed(OFFSET.load(Ordering::Relaxed)))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// The same in nanoseconds.
    pub(crate) fn nanos_since(self, earlier: Moment) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Milliseconds since its arbitrary start, which is the same for all processes of one run of the machine.
    pub(crate) fn millis(self) -> u64 {
        self.0 / 1_000_000
    }

    pub(crate) fn before(self, wait: Duration) -> Moment {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Moment(self.0.saturating_sub(nanos))
    }

    pub(crate) fn after(self, wait: Duration) -> Moment {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Moment(self.0.saturating_add(nanos))
    }
}

/// Moves the wall clock in tests: as `OFFSET`, and alone (`testing::jump_wall_clock`). Nanoseconds.
static WALL_OFFSET: AtomicI64 = AtomicI64::new(0);

/// The wall clock, moved like [`Moment::now`].
pub(crate) fn wall() -> SystemTime {
    let offset = WALL_OFFSET.load(Ordering::Relaxed);
    let by = Duration::from_nanos(offset.unsigned_abs());
    let now = SystemTime::now();
    if offset < 0 { now - by } else { now + by }
}

/// Both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) now: Moment,
    /// From the one clock to the other: it changes when the wall clock is set, or when the machine was stopped without the
    /// other clock noticing. Nanoseconds.
    pub(crate) wall_ahead: i64,
}

/// Both clocks, read in full.
pub(crate) fn read() -> Reading {
    Reading::of(Moment::now(), wall())
}

impl Reading {
    pub(crate) fn of(now: Moment, wall: SystemTime) -> Reading {
        let wall = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Reading { now, wall_ahead: (wall.as_nanos() as i64).saturating_sub_unsigned(now.0) }
    }
}

/// How far the clocks may have come since they were read in full, for [`glance`] to be content with that. Nanoseconds.
const GLANCE: i64 = 1_000_000_000;
/// A [`glance`] is late by less than this: by `GLANCE` at most where the wall clock was set back, and by the second that has
/// begun. Nanoseconds.
pub(crate) const LATE: u64 = 3_000_000_000;

/// When both clocks were last read in full, by [`tick`], and what the wall clock was ahead then.
static READ_AT: AtomicI64 = AtomicI64::new(NEVER);
static WALL_AHEAD: AtomicI64 = AtomicI64::new(0);
const NEVER: i64 = i64::MIN;
/// A thread is writing the two.
const WRITING: i64 = i64::MIN + 1;

/// Both clocks, in a tenth of the time, for the token that is fresh by far.
///
/// The second of the wall clock alone is read. It says how long ago both were read in full; if that is less than a second, the
/// other clock has gone on by as much. What makes that wrong moves the wall clock, and so is noticed: after a suspend, or
/// when it is set forward, a second seems to have passed, and when it is set back, less than none. Unless it is by less than
/// a second, which [`LATE`] makes good.
#[inline]
pub(crate) fn glance() -> Reading {
    let read_at = READ_AT.load(Ordering::Acquire);
    let tick = tick();
    // Acquire: if another thread has begun to write it, the comparison below sees that.
    let wall_ahead = WALL_AHEAD.load(Ordering::Acquire);
    match glanced(read_at, wall_ahead, tick) {
        Some(reading) if READ_AT.load(Ordering::Relaxed) == read_at => reading,
        _ => read_for_glances(read_at, tick),
    }
}

/// What `tick` tells if both clocks were read in full at `read_at`.
#[inline]
fn glanced(read_at: i64, wall_ahead: i64, tick: i64) -> Option<Reading> {
    let passed = tick.wrapping_sub(read_at);
    let now = Moment(tick.wrapping_sub(wall_ahead).max(0) as u64);
    (0..GLANCE).contains(&passed).then_some(Reading { now, wall_ahead })
}

/// Reads both clocks in full and writes that down, unless another thread does.
#[cold]
fn read_for_glances(read_at: i64, tick: i64) -> Reading {
    let reading = read();
    let mine = || READ_AT.compare_exchange(read_at, WRITING, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if read_at != WRITING && mine() {
        WALL_AHEAD.store(reading.wall_ahead, Ordering::Release);
        READ_AT.store(tick, Ordering::Release);
    }
    reading
}

/// A child after fork: the thread that was writing may be gone. One atomic store: this runs between fork and exec.
#[cfg(unix)]
pub(crate) fn read_again() {
    READ_AT.store(NEVER, Ordering::Relaxed);
}

/// Moves the wall clock alone.
pub(crate) fn jump_wall(seconds: f64) {
    WALL_OFFSET.fetch_add((seconds * 1e9) as i64, Ordering::Relaxed);
}

/// Moves the clock by so many seconds, forwards or backwards.
pub(crate) fn advance(seconds: f64) {
    OFFSET.fetch_add((seconds * 1e9) as i64, Ordering::Relaxed);
    jump_wall(seconds);
}

/// What tells this run of the machine from others, where that is known: in it, all processes share [`Moment`].
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn run() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn run() -> Option<String> {
    None
}

/// The wall clock as it was when its second began, in nanoseconds since 1970, moved like [`wall`].
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
fn tick() -> i64 {
    wall_seconds().wrapping_mul(1_000_000_000).wrapping_add(WALL_OFFSET.load(Ordering::Relaxed))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn tick() -> i64 {
    wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos() as i64
}

/// The clock that goes on during suspend; `Instant` stops then, on Linux and on macOS, so that a token would look younger than
/// it is. Read through the vDSO: no system call.
#[cfg(any(target_os = "linux", target_os = "android"))]
const BOOT: rustix::time::ClockId = rustix::time::ClockId::Boottime;
#[cfg(target_vendor = "apple")]
const BOOT: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn boot_nanos() -> u64 {
    let time = rustix::time::clock_gettime(BOOT);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn boot_nanos() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_glance_is_what_the_clocks_say() {
        for _ in 0..1000 {
            let before = Moment::now();
            let glance = glance();
            assert!(before.nanos_since(glance.now) < LATE, "{before:?} {glance:?}");
            assert!(glance.now.nanos_since(Moment::now()) < LATE);
        }
    }

    proptest! {
        /// The machine runs, is suspended and runs on, and the wall clock is set once by `step`; a second began `begun` ago.
        #[test]
        fn f18_a_glance_is_never_late_by_more_than_it_says(
            ran in 0..3 * SECOND,
            suspended in prop_oneof![Just(0), 0..2 * SECOND, 0..1_000_000 * SECOND],
            step in prop_oneof![Just(0), -2 * SECOND..2 * SECOND, -1_000_000 * SECOND..1_000_000 * SECOND],
            begun in 0..SECOND,
        ) {
            let (wall, boot) = (1_800_000_000 * SECOND + begun, 1_000_000 * SECOND);
            let passed = ran + suspended;
            let second = |time: i64| time - time.rem_euclid(SECOND);
            let late = glanced(second(wall), wall - boot, second(wall + passed + step))
                .map_or(0, |reading| Moment((boot + passed) as u64).nanos_since(reading.now));
            prop_assert!(late < LATE);
        }
    }
}
