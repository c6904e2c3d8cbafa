//! Doors for tests.

use crate::boundary::guarded;

/// For tests: moves the clocks of the library forward by `seconds`, in this process.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_testing_advance_clock(seconds: f64) {
    guarded(|| (), || tokenwell::testing::advance_clock(seconds));
}

/// For tests: the next token request of this process panics inside the core, and the call fails with `internal_error`.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_testing_panic_in_next_flight() {
    guarded(|| (), tokenwell::testing::panic_in_next_flight);
}
