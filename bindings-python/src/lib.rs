//! The Python door of Tokenwell: options in, native values and exceptions out. No decision is made here.
//!
//! | file | converts |
//! |---|---|
//! | `convert.rs` | Python values to JSON and back |
//! | `errors.rs` | errors and panics to one tree of exceptions |
//! | `token.rs` | the whole answer to a frozen object |
//! | `client.rs` | calls, blocking ones without the GIL |
//! | `coroutine.rs` | calls that are awaited, on the caller's event loop |

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

    /// Moves the library's clock by `seconds`, for tests.
    #[pyfunction]
    fn advance_clock(seconds: f64) {
        tokenwell::testing::advance_clock(seconds);
    }

    /// Moves the wall clock alone by `seconds`, as the library sees it, for tests.
    #[pyfunction]
    fn jump_wall_clock(seconds: f64) {
        tokenwell::testing::jump_wall_clock(seconds);
    }

    /// Lets the next fetch panic inside the core, for tests.
    #[pyfunction]
    fn panic_in_next_flight() {
        tokenwell::testing::panic_in_next_flight();
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::errors::set_defaults(module.py())
    }
}
