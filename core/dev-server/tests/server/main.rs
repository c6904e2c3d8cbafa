//! The server, seen from outside: over sockets and over its control interface.

// The lint knows test functions, not their helpers.
#![allow(clippy::unwrap_used)]

mod assertions;
mod binary;
mod client;
mod control;
mod dpop;
mod faults;
mod grants;
mod https;
mod jwt;
mod jwt_tokens;
mod load;
mod mtls;
mod resource;
mod script;
mod strict;
mod tokens;
