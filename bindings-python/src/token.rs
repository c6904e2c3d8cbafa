//! The whole answer, as a frozen object that shows no secret.

use std::time::SystemTime;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::convert;

/// A token answer (RFC 6749 5.1). Neither its repr nor its str shows the value, and it cannot be pickled.
#[pyclass(frozen, module = "tokenwell", weakref)]
pub struct AccessToken(pub tokenwell::AccessToken);

#[pymethods]
impl AccessToken {
    /// The token itself: a secret.
    #[getter]
    fn value(&self) -> &str {
        self.0.value()
    }

    /// `Bearer` (RFC 6750) or `DPoP` (RFC 9449).
    #[getter]
    fn token_type(&self) -> &str {
        self.0.token_type()
    }

    /// When it ends: an aware datetime in UTC.
    #[getter]
    fn expires_at(&self) -> SystemTime {
        self.0.expires_at()
    }

    /// Whole seconds left now; 0 when it has expired.
    #[getter]
    fn expires_in(&self) -> u64 {
        self.0.expires_in()
    }

    /// What the server granted, or None if it did not say.
    #[getter]
    fn scope(&self) -> Option<&str> {
        self.0.scope()
    }

    /// Where this call got it from: `network`, `memory`, `file` or `redis`.
    #[getter]
    fn source(&self) -> &str {
        self.0.source().as_str()
    }

    /// The other members of the answer: a new dict at each access.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::python(py, self.0.extra())
    }

    fn __repr__(&self) -> String {
        let scope = self.0.scope().map_or_else(|| "None".to_owned(), |scope| format!("{scope:?}"));
        let (kind, left, source) = (self.token_type(), self.expires_in(), self.source());
        format!("<tokenwell.AccessToken {kind} scope={scope} expires_in={left} source={source}>")
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("an AccessToken is a secret and cannot be pickled or copied"))
    }
}
