//! The program as it is used: its output, its exit codes, and what its children see.

// The lint knows test functions, not their helpers.
#![allow(clippy::unwrap_used)]

mod curl;
mod doctor;
mod options;
mod roots;
mod serve;
mod support;
mod tokens;
