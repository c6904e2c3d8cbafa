//! The program `tokenwell`; all of it is in the library.

fn main() {
    std::process::exit(tokenwell_cli::run(std::env::args_os().skip(1).collect()));
}
