//! The command line, behind `bin/tokenwell.js`.

use std::ffi::OsString;

use napi_derive::napi;

/// Runs the command line with these arguments, without the program's name; its exit code. Blocks until it is done.
#[napi(catch_unwind)]
pub fn run_command_line(arguments: Vec<String>) -> i32 {
    tokenwell_cli::run(arguments.into_iter().map(OsString::from).collect())
}
