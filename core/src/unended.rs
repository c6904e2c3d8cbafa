//! Threads that somebody ends in the middle of a call.

use std::mem;
use std::thread;

/// Runs `work`. A thread that is ended in it (`pthread_exit`), as an interpreter ends those that come for its lock when it is ending
/// itself, sleeps from then on: its end would unwind as no panic does, and what catches panics would end the process.
#[inline]
pub fn unended<T>(work: impl FnOnce() -> T) -> T {
    let stays = Stays;
    let done = work();
    mem::forget(stays);
    done
}

struct Stays;

impl Drop for Stays {
    fn drop(&mut self) {
        while !thread::panicking() {
            thread::park();
        }
    }
}
