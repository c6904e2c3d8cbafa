//! The program `tokenwell`; all of it is in the library.

/// Whatever is freed is wiped first, a string's old place when it grows too.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() {
    std::process::exit(tokenwell_cli::run(std::env::args_os().skip(1).collect()));
}
