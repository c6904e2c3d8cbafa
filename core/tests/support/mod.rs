//! What the runner needs besides the library.

pub mod calls;
pub mod compare;
pub mod files;
pub mod process;
pub mod realm;
pub mod redis;
