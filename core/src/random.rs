//! Chance for jitter. Nothing here is fit for cryptography.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A number in 0..1. Mixes in the process id, so that children of one fork differ.
pub(crate) fn unit() -> f64 {
    let bits = RandomState::new().hash_one(std::process::id());
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A factor of 0.95 to 1.05 that stays the same for the life of a process and differs between processes, so that a fleet
/// that started together does not refresh together.
pub(crate) fn process_jitter() -> f64 {
    /// The process id in the upper half and 32 random bits in the lower, so that a child of fork draws its own.
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let id = u64::from(std::process::id());
    let drawn = DRAWN.load(Ordering::Relaxed);
    let bits = if drawn >> 32 == id {
        drawn as u32
    } else {
        let fresh = (unit() * f64::from(u32::MAX)) as u32;
        DRAWN.store(id << 32 | u64::from(fresh), Ordering::Relaxed);
        fresh
    };
    0.95 + f64::from(bits) / f64::from(u32::MAX) / 10.0
}
