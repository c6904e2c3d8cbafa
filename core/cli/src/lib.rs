//! The command line of Tokenwell, as a function: the program, the wheel and the npm package call [`run`].
//!
//! Options come as flags, from a TOML file or from the environment, under the names of the one schema; the core checks them
//! and does the rest. A secret is never taken from the arguments, since every user of a machine can read those.

mod arguments;
mod command;
mod curl;
mod doctor;
mod failure;
mod file;
mod gather;
mod help;
mod output;
mod request;
mod schema;

use std::ffi::OsString;
use std::panic::catch_unwind;

/// Runs the command line with these arguments (without the program's name); gives the exit code.
///
/// 0: done; 2 to 7: a `ConfigError`, `SecretError`, `TransportError`, `ServerError`, `ResponseError` or `CacheError`; 1:
/// anything else. Once curl runs, its exit code is the outcome. Writes to standard output and standard error.
pub fn run(args: Vec<OsString>) -> i32 {
    // A panic must not cross into another language; its message has been written already.
    catch_unwind(|| command::run(args)).unwrap_or(failure::OTHER)
}
