//! The exceptions, and the one place where an error of the core, or a panic, becomes one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use tokenwell::Error;

use crate::convert;

create_exception!(
    tokenwell,
    TokenwellError,
    PyException,
    "Why there is no token.\n\n\
     code: a stable string (`invalid_client`, `timeout`, ...). message: one sentence. retryable: whether the same call\n\
     can succeed later. retry_after: seconds until it is tried again, or None. http_status: of the server's answer, or\n\
     None. error_description: the server's own text, cleaned (RFC 6749 5.2), or None. hint: what to do next, or None."
);
create_exception!(tokenwell, ConfigError, TokenwellError, "An option is missing, unknown or wrong; nothing was sent.");
create_exception!(tokenwell, SecretError, TokenwellError, "A source of a secret could not be read.");
create_exception!(tokenwell, TransportError, TokenwellError, "No answer: dns, connect, tls, proxy, timeout or closed.");
create_exception!(tokenwell, ServerError, TokenwellError, "The server's own OAuth error answer (RFC 6749 5.2).");
create_exception!(tokenwell, ResponseError, TokenwellError, "The answer is not a token answer of RFC 6749 5.1.");
create_exception!(tokenwell, CacheError, TokenwellError, "A shared store failed; never raised by a call for a token.");

/// An error of the core as the exception of its kind.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error).map_or_else(|failure| failure, PyErr::from_value)
}

fn build<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let exception = py.import("tokenwell._native")?.getattr(error.kind().name())?.call1((error.to_string(),))?;
    exception.getattr("__dict__")?.call_method1("update", (convert::python(py, &error.details())?,))?;
    Ok(exception)
}

/// Runs the body of an entry point: a panic in it becomes a `TokenwellError` with the code `internal_error`.
#[inline]
pub fn guard<T>(py: Python<'_>, body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(raise(py, &Error::internal("the binding panicked"))))
}
