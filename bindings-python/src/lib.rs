//! The Python door of Tokenwell: options in, native values and exceptions out. No decision is made here.

mod client;
mod convert;
mod coroutine;
mod errors;
mod token;

use std::ffi::OsString;

use pyo3::prelude::*;

/// Whatever is freed is wiped first, a string's old place when it grows too.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// The compiled part of the package `tokenwell`; import that.
#[pymodule(gil_used = false)]
mod _native {
    use super::*;

    #[pymodule_export]
    use crate::client::{Client, get_token_by_client_id_and_client_secret};
    #[pymodule_export]
    use crate::errors::{
        CacheError, ConfigError, ResponseError, SecretError, ServerError, TokenwellError, TransportError,
    };
    #[pymodule_export]
    use crate::token::AccessToken;

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// Runs the command line with these arguments, without the program's name; its exit code.
    #[pyfunction]
    fn run_command_line(py: Python<'_>, arguments: Vec<OsString>) -> i32 {
        py.detach(|| tokenwell_cli::run(arguments))
    }

    /// The doors for tests, which `tokenwell.testing` has functions for.
    #[pyfunction]
    fn testing_door(name: &str, seconds: f64) {
        match name {
            "advance_clock" => tokenwell::testing::advance_clock(seconds),
            "jump_wall_clock" => tokenwell::testing::jump_wall_clock(seconds),
            _ => tokenwell::testing::panic_in_next_flight(),
        }
    }
}
