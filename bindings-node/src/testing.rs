//! The core's test doors, behind `tokenwell/testing`.

use napi_derive::napi;

/// Moves the library's clock forward by so many seconds.
#[napi(catch_unwind)]
pub fn advance_clock(seconds: f64) {
    tokenwell::testing::advance_clock(seconds);
}

/// Moves the wall clock alone, as the library sees it, by so many seconds.
#[napi(catch_unwind)]
pub fn jump_wall_clock(seconds: f64) {
    tokenwell::testing::jump_wall_clock(seconds);
}

/// Makes the next flight panic.
#[napi(catch_unwind)]
pub fn panic_in_next_flight() {
    tokenwell::testing::panic_in_next_flight();
}
