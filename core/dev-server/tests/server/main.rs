//! The server, seen from outside: over sockets and over its control interface.

mod binary;
mod client;
mod control;
mod faults;
mod https;
mod load;
mod script;
mod strict;
mod tokens;
