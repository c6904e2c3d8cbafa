//! Chance for jitter. Nothing here is fit for cryptography.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::Uncancelled;

/// A number in 0..1.
pub(crate) fn unit() -> f64 {
    (number() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Any number. Mixes in the process id, so that children of one fork differ.
pub(crate) fn number() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// What this process adds to each key's jitter; 0: not drawn yet.
static SEED: AtomicU64 = AtomicU64::new(0);

/// A factor of 0.95 to 1.05 that stays the same for a key and the life of a process, and differs between keys and between
/// processes: neither a fleet that started together nor the many clients of one process refresh together.
pub(crate) fn jitter(key: u64) -> f64 {
    let seed = match SEED.load(Ordering::Relaxed) {
        0 => {
            let _uncancelled = Uncancelled::new();
            let drawn = RandomState::new().hash_one(std::process::id()) | 1;
            SEED.store(drawn, Ordering::Relaxed);
            drawn
        }
        seed => seed,
    };
    // The key is a hash already; the multiplication spreads what the seed changed into the upper bits.
    let bits = (key ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    0.95 + (bits >> 11) as f64 / (1_u64 << 53) as f64 / 10.0
}

/// A child after fork draws its own. One atomic store: this runs between fork and exec.
#[cfg(unix)]
pub(crate) fn draw_again() {
    SEED.store(0, Ordering::Relaxed);
}
