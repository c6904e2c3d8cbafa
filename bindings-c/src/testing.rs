//! Doors for tests.

use crate::boundary::guarded;

/// For tests: moves the clocks of the library forward by `seconds` in this process, backwards if negative.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_testing_advance_clock(seconds: f64) {
    guarded(|| (), || tokenwell::testing::advance_clock(seconds));
}

/// For tests: moves the wall clock alone, as the library sees it in this process, as when somebody sets the clock.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_testing_jump_wall_clock(seconds: f64) {
    guarded(|| (), || tokenwell::testing::jump_wall_clock(seconds));
}

/// For tests: the next token request of this process panics inside the core, and the call fails with `internal_error`.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_testing_panic_in_next_flight() {
    guarded(|| (), tokenwell::testing::panic_in_next_flight);
}
