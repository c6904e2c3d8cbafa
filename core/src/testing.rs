//! Doors for tests of programs that use this library: a clock that can be moved, and a fault that can be armed.

use std::sync::atomic::{AtomicBool, Ordering};

static PANIC: AtomicBool = AtomicBool::new(false);

/// Moves the library's clock of this process by `seconds` (backwards if negative), so that tokens age without waiting.
pub fn advance_clock(seconds: f64) {
    crate::clock::advance(seconds);
}

/// Moves this process's wall clock alone, as the library sees it, by `seconds`: as when somebody sets the clock.
pub fn jump_wall_clock(seconds: f64) {
    crate::clock::jump_wall(seconds);
}

/// The next token request of this process panics inside the core; its callers get the code `internal_error`.
pub fn panic_in_next_flight() {
    PANIC.store(true, Ordering::SeqCst);
}

pub(crate) fn panic_if_armed() {
    if PANIC.swap(false, Ordering::SeqCst) {
        panic!("armed by tokenwell::testing");
    }
}
