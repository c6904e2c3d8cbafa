//! Errors for C: the core's error with its texts ready as C strings.

use std::ffi::{CString, c_char};
use std::ptr::null;

use tokenwell::{Error, ErrorKind};

use crate::boundary::{c_string, get, guarded};
use crate::handle::{Opaque, free};

/// What a call came to: `TOKENWELL_STATUS_OK`, or the kind of its error.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum TokenwellStatus {
    /// All is well; the error out-parameter is NULL.
    Ok = 0,
    /// `ConfigError`: an option is missing, unknown, wrong or in conflict; or an argument is NULL, no live handle or not
    /// UTF-8. Nothing was sent.
    ConfigError = 1,
    /// `SecretError`: a source of a secret failed.
    SecretError = 2,
    /// `TransportError`: no answer came (dns, connect, tls, proxy, timeout, closed).
    TransportError = 3,
    /// `ServerError`: the authorization server's OAuth error answer (RFC 6749 section 5.2).
    ServerError = 4,
    /// `ResponseError`: an answer that is not a token answer (RFC 6749 section 5.1).
    ResponseError = 5,
    /// `CacheError`: a shared store failed. Never the outcome of a token call.
    CacheError = 6,
    /// `TokenwellError`: a fault of this library.
    InternalError = 7,
}

/// Why a call failed. Owned by the caller; free it with `tokenwell_error_free`. Several threads may read it.
pub struct TokenwellError(());

impl Opaque for TokenwellError {
    type Inner = Failure;
    const TAG: u64 = 0x726f_7272_655f_7774;
    const NAME: &'static str = "error";
}

/// What a [`TokenwellError`] points to. One word, since each call returns one or what it was to make.
pub(crate) struct Failure(Box<Parts>);

/// An error of the core with its texts.
struct Parts {
    core: Error,
    kind: CString,
    code: CString,
    message: CString,
    description: Option<CString>,
    hint: Option<CString>,
}

impl From<Error> for Failure {
    fn from(core: Error) -> Failure {
        let (kind, code, message) = (c_string(core.kind().name()), c_string(core.code()), c_string(core.message()));
        let (description, hint) = (core.error_description().map(c_string), core.hint().map(c_string));
        Failure(Box::new(Parts { core, kind, code, message, description, hint }))
    }
}

impl Failure {
    /// The argument `name` cannot be used, for the reason given.
    pub(crate) fn argument(name: &str, reason: &str) -> Failure {
        Error::argument(&format!("argument `{name}` {reason}")).into()
    }

    /// The argument `name` is NULL.
    pub(crate) fn null(name: &str) -> Failure {
        Failure::argument(name, "is NULL")
    }

    /// A panic reached the border.
    pub(crate) fn panicked() -> Failure {
        Error::internal("a panic was caught at the C interface").into()
    }

    pub(crate) fn status(&self) -> TokenwellStatus {
        match self.0.core.kind() {
            ErrorKind::Config => TokenwellStatus::ConfigError,
            ErrorKind::Secret => TokenwellStatus::SecretError,
            ErrorKind::Transport => TokenwellStatus::TransportError,
            ErrorKind::Server => TokenwellStatus::ServerError,
            ErrorKind::Response => TokenwellStatus::ResponseError,
            ErrorKind::Cache => TokenwellStatus::CacheError,
            _ => TokenwellStatus::InternalError,
        }
    }
}

/// Name of the error's kind, the same in every language: `ConfigError`, `SecretError`, `TransportError`, `ServerError`,
/// `ResponseError`, `CacheError`, or `TokenwellError` for a fault of the library. Owned by the error.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_kind(error: Option<&TokenwellError>) -> *const c_char {
    get(error, null(), |e| e.0.kind.as_ptr())
}

/// Stable code: the server's own, e.g. `invalid_client`, or the library's, e.g. `timeout`. Owned by the error.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_code(error: Option<&TokenwellError>) -> *const c_char {
    get(error, null(), |e| e.0.code.as_ptr())
}

/// What happened, in one sentence. Owned by the error.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_message(error: Option<&TokenwellError>) -> *const c_char {
    get(error, null(), |e| e.0.message.as_ptr())
}

/// Whether the same call may succeed later with nothing changed.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_retryable(error: Option<&TokenwellError>) -> bool {
    get(error, false, |e| e.0.core.retryable())
}

/// Seconds until a new attempt is worth making; -1 where that is not known.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_retry_after(error: Option<&TokenwellError>) -> f64 {
    get(error, -1.0, |e| e.0.core.retry_after().unwrap_or(-1.0))
}

/// Status of the HTTP answer; 0 if there was none.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_http_status(error: Option<&TokenwellError>) -> u16 {
    get(error, 0, |e| e.0.core.http_status().unwrap_or(0))
}

/// The server's `error_description`, cleaned, at most 200 characters, for people to read. Owned by the error. NULL: none.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_error_description(error: Option<&TokenwellError>) -> *const c_char {
    get(error, null(), |e| e.0.description.as_ref().map_or(null(), |text| text.as_ptr()))
}

/// What to do next. Owned by the error. NULL: not known.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_hint(error: Option<&TokenwellError>) -> *const c_char {
    get(error, null(), |e| e.0.hint.as_ref().map_or(null(), |text| text.as_ptr()))
}

/// Frees an error with its strings. NULL and a handle that is refused are left alone.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_error_free(error: Option<&mut TokenwellError>) {
    guarded(|| (), || free(error));
}
