//! Time as a token sees it: a clock that goes on during suspend, and the wall clock for what is shown to people.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Moves the library's clock in tests (`testing::advance_clock`); zero in life. Nanoseconds.
static OFFSET: AtomicI64 = AtomicI64::new(0);

/// A moment on the clock that goes on during suspend, in nanoseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// The start lies so far back that a token can have been issued before this machine was started. Nanoseconds: 20 years.
const START: u64 = 20 * 365 * 86_400 * 1_000_000_000;

impl Moment {
    pub(crate) fn now() -> Moment {
        Moment((START + boot_nanos()).saturating_add_signed(OFFSET.load(Ordering::Relaxed)))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
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

/// Moves the wall clock alone in tests (`testing::jump_wall_clock`). Nanoseconds.
static JUMP: AtomicI64 = AtomicI64::new(0);

/// The wall clock, moved like [`Moment::now`].
pub(crate) fn wall() -> SystemTime {
    let offset = OFFSET.load(Ordering::Relaxed) + JUMP.load(Ordering::Relaxed);
    let by = Duration::from_nanos(offset.unsigned_abs());
    let now = SystemTime::now();
    if offset < 0 { now - by } else { now + by }
}

/// When the two clocks were last compared; 0: not yet. Nanoseconds.
static LOOKED: AtomicU64 = AtomicU64::new(0);

/// Seconds between the two clocks: it changes when the wall clock is set, or when the machine was stopped without the other
/// clock noticing. Looked up at most once a second, so that the cached path reads one clock.
pub(crate) fn wall_offset() -> i64 {
    static OFFSET: AtomicI64 = AtomicI64::new(0);
    let now = Moment::now();
    let last = LOOKED.load(Ordering::Acquire);
    if last != 0 && now.since(Moment(last)) < Duration::from_secs(1) {
        return OFFSET.load(Ordering::Relaxed);
    }
    let unix = wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let offset = unix.as_secs() as i64 - (now.0 / 1_000_000_000) as i64;
    OFFSET.store(offset, Ordering::Relaxed);
    LOOKED.store(now.0, Ordering::Release);
    offset
}

/// Moves the wall clock alone.
pub(crate) fn jump_wall(seconds: f64) {
    LOOKED.store(0, Ordering::Relaxed);
    JUMP.fetch_add((seconds * 1e9) as i64, Ordering::Relaxed);
}

/// Moves the clock by so many seconds, forwards or backwards.
pub(crate) fn advance(seconds: f64) {
    OFFSET.fetch_add((seconds * 1e9) as i64, Ordering::Relaxed);
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

/// `Instant` stops during suspend on Linux, so a token would look younger than it is. Read through the vDSO: no system call.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn boot_nanos() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_nanos() as u64
}
