//! The binary of the development authorization server; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokenwell_dev_server::run(std::env::args_os().skip(1))
}
