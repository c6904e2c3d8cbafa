//! What the runner needs besides the library.

pub mod compare;
pub mod realm;
