//! The C interface: options as JSON in, opaque handles out. Conversion only; all behaviour is in the core crate.
//!
//! - `boundary`: the one place that catches panics, sets out-parameters, reads and makes strings
//! - `handle`: tagged heap objects behind the opaque pointers
//! - `client`, `token`, `error`, `testing`: the functions of `include/tokenwell.h`

#![allow(
    unsafe_code,
    clippy::missing_safety_doc,
    reason = "a C interface reads and writes through the caller's pointers; each use says why it is sound, and the header what is asked of them"
)]

mod boundary;
mod handle;

// In the order of the header.
mod client;

mod token;

mod error;

mod testing;

/// Whatever is freed is wiped first, a string's old place when it grows too.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);
