//! Standard output and standard error.

use std::io::{Write, stderr, stdout};

use serde_json::{Value, json};

use crate::failure::Failure;

/// One line, or several, on standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    // A reader that went away is the usual reason.
    written.map_err(|error| Failure::other("output_failed", format!("standard output cannot be written: {error}")))
}

/// A failure on standard error, for people or for programs. Where that is closed too, the exit code has to do.
pub(crate) fn complain(failure: &Failure, as_json: bool) {
    let text = if as_json { error_json(failure).to_string() } else { format!("tokenwell: {failure}") };
    let _ = writeln!(stderr().lock(), "{text}");
}

/// `{"error": {...}}`
pub(crate) fn error_json(failure: &Failure) -> Value {
    json!({"error": failure.to_json()})
}
