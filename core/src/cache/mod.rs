//! Where tokens are kept: one entry a key, in the memory of the process.

pub(crate) mod key;
pub(crate) mod memory;
