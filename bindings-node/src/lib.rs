//! The native half of the npm package `tokenwell`.
//!
//! Options come in as JSON and go to the core's one schema; a token, or the parts of an error, go out. The
//! JavaScript half (`index.js`, `lib/`) makes the public classes of them. Nothing here decides anything about OAuth.
//!
//! A call under way is a promise that the core's own thread settles ([`promise`]): there is no runtime in this crate.

pub mod client;
pub mod command_line;
pub mod failure;
pub mod promise;
pub mod testing;
pub mod token;

/// Whatever is freed is wiped first, a string's old place when it grows too.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);
