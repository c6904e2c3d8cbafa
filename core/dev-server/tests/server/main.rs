//! The server, seen from outside: over sockets and over its control interface.

// The lint knows test functions, not their helpers.
#![allow(clippy::unwrap_used)]

mod binary;
mod client;
mod control;
mod faults;
mod https;
mod load;
mod script;
mod strict;
mod tokens;
