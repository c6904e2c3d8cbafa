//! Chance for jitter. Nothing here is fit for cryptography.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A number in 0..1. Mixes in the process id, so that children of one fork differ.
pub(crate) fn unit() -> f64 {
    let bits = RandomState::new().hash_one(std::process::id());
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The bits of the factor below; 0: not drawn yet.
static JITTER: AtomicU64 = AtomicU64::new(0);

/// A factor of 0.95 to 1.05 that stays the same for the life of a process and differs between processes, so that a fleet
/// that started together does not refresh together.
pub(crate) fn process_jitter() -> f64 {
    match JITTER.load(Ordering::Relaxed) {
        0 => {
            let drawn = 0.95 + unit() / 10.0;
            JITTER.store(drawn.to_bits(), Ordering::Relaxed);
            drawn
        }
        bits => f64::from_bits(bits),
    }
}

/// A child after fork draws its own. One atomic store: this runs between fork and exec.
pub(crate) fn draw_again() {
    JITTER.store(0, Ordering::Relaxed);
}
