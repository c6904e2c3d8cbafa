//! What can go wrong. One tree, the same in every language:
//!
//! ```text
//! TokenwellError            (ErrorKind::Internal: a fault of this library)
//! +-- ConfigError           an option is missing, unknown, wrong or in conflict; nothing was sent
//! +-- SecretError           a source of a secret failed
//! +-- TransportError        no answer: dns, connect, tls, proxy, timeout, closed
//! +-- ServerError           the server's OAuth error answer (RFC 6749 section 5.2)
//! +-- ResponseError         an answer that is not a token answer (RFC 6749 section 5.1)
//! +-- CacheError            a shared store failed; a counter, never the outcome of a token call
//! ```

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::secret::cut;

/// The branch of the tree that an [`Error`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A fault of this library: the base class alone.
    Internal,
    /// An option is missing, unknown, wrong or in conflict with another. Nothing was sent.
    Config,
    /// A source of a secret failed.
    Secret,
    /// No answer came: DNS, connection, TLS, proxy, timeout.
    Transport,
    /// The server's OAuth error answer (RFC 6749 section 5.2).
    Server,
    /// The answer is not a token answer (RFC 6749 section 5.1).
    Response,
    /// A shared store failed.
    Cache,
}

impl ErrorKind {
    const ALL: [ErrorKind; 7] = [
        ErrorKind::Internal,
        ErrorKind::Config,
        ErrorKind::Secret,
        ErrorKind::Transport,
        ErrorKind::Server,
        ErrorKind::Response,
        ErrorKind::Cache,
    ];

    /// The class name that every language gives to this branch.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Internal => "TokenwellError",
            ErrorKind::Config => "ConfigError",
            ErrorKind::Secret => "SecretError",
            ErrorKind::Transport => "TransportError",
            ErrorKind::Server => "ServerError",
            ErrorKind::Response => "ResponseError",
            ErrorKind::Cache => "CacheError",
        }
    }
}

/// Why a call failed. Cheap to clone: all waiters of one flight share it. Never contains a secret or a token.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    code: Cow<'static, str>,
    message: String,
    retryable: bool,
    retry_after: Option<Duration>,
    http_status: Option<u16>,
    error_description: Option<String>,
    hint: Option<Cow<'static, str>>,
}

/// Characters of a message. A host or a path of the options stands in one whole, and so does an origin that a server names.
const LONGEST_MESSAGE: usize = 2000;

impl Error {
    pub(crate) fn new(kind: ErrorKind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Error {
        let mut message = message.into();
        message.truncate(cut(&message, LONGEST_MESSAGE).len());
        Error(Arc::new(Inner {
            kind,
            code: code.into(),
            message,
            retryable: false,
            retry_after: None,
            http_status: None,
            error_description: None,
            hint: None,
        }))
    }

    pub(crate) fn config(code: &'static str, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Config, code, message)
    }

    /// An argument of a call that cannot be used, found at the border of a language. The code is `invalid_argument`.
    pub fn argument(message: &str) -> Error {
        Error::config("invalid_argument", message)
    }

    /// A fault of this library, e.g. a panic caught at the border of a language. The code is `internal_error`.
    pub fn internal(message: &str) -> Error {
        Error::new(ErrorKind::Internal, "internal_error", message)
            .with_hint("this is a fault of the library; please report it")
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Error {
        change(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn with_hint(self, hint: impl Into<Cow<'static, str>>) -> Error {
        self.change(|e| e.hint = Some(hint.into()))
    }

    pub(crate) fn with_status(self, status: u16) -> Error {
        self.change(|e| {
            e.http_status = Some(status);
            e.retryable = matches!(status, 408 | 429 | 500..=599);
        })
    }

    pub(crate) fn with_description(self, text: Option<String>) -> Error {
        self.change(|e| e.error_description = text)
    }

    pub(crate) fn with_retryable(self, retryable: bool) -> Error {
        self.change(|e| e.retryable = retryable)
    }

    pub(crate) fn with_retry_after(self, wait: Option<Duration>) -> Error {
        self.change(|e| e.retry_after = wait)
    }

    /// The branch of the tree.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// A stable string: an OAuth error code such as `invalid_client`, or one of this library such as `timeout`.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// What happened, in one sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call may succeed later with nothing changed.
    pub fn retryable(&self) -> bool {
        self.0.retryable
    }

    /// Seconds until a new attempt is worth making, where that is known.
    pub fn retry_after(&self) -> Option<f64> {
        self.0.retry_after.map(|wait| wait.as_secs_f64())
    }

    pub(crate) fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The status of the HTTP answer, if there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// `error_description` of the server (RFC 6749 section 5.2), cleaned: at most 200 characters, no control
    /// characters, an echoed credential redacted. It is the server's text: show it to people, do not parse it.
    pub fn error_description(&self) -> Option<&str> {
        self.0.error_description.as_deref()
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// All of it but the kind, by the names of the other languages, for a binding.
    #[doc(hidden)]
    pub fn details(&self) -> Value {
        json!({
            "code": self.code(),
            "message": self.message(),
            "retryable": self.retryable(),
            "retry_after": self.retry_after(),
            "http_status": self.http_status(),
            "error_description": self.error_description(),
            "hint": self.hint(),
        })
    }

    /// The error of this class that has these details.
    pub(crate) fn from_details(kind: &str, details: &Value) -> Option<Error> {
        let kind = ErrorKind::ALL.into_iter().find(|one| one.name() == kind)?;
        let text = |name: &str| details[name].as_str().map(str::to_owned);
        let error = Error::new(kind, text("code")?, text("message")?);
        let wait = details["retry_after"].as_f64().and_then(|wait| Duration::try_from_secs_f64(wait).ok());
        Some(error.change(|e| {
            e.retryable = details["retryable"] == true;
            e.retry_after = wait;
            e.http_status = details["http_status"].as_u64().and_then(|status| u16::try_from(status).ok());
            e.error_description = text("error_description");
            e.hint = text("hint").map(Cow::Owned);
        }))
    }

    /// Whether this is a `ConfigError`.
    pub fn is_config(&self) -> bool {
        self.kind() == ErrorKind::Config
    }

    /// Whether this is a `SecretError`.
    pub fn is_secret(&self) -> bool {
        self.kind() == ErrorKind::Secret
    }

    /// Whether this is a `TransportError`.
    pub fn is_transport(&self) -> bool {
        self.kind() == ErrorKind::Transport
    }

    /// Whether this is a `ServerError`.
    pub fn is_server(&self) -> bool {
        self.kind() == ErrorKind::Server
    }

    /// Whether this is a `ResponseError`.
    pub fn is_response(&self) -> bool {
        self.kind() == ErrorKind::Response
    }

    /// Whether no answer came within the time allowed.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Transport && self.code() == "timeout"
    }
}

/// Why a file or a program could not be had; what is most often so in words that everybody knows.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        kind => kind.to_string(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match self.hint() {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.kind().name())
            .field("code", &self.code())
            .field("message", &self.message())
            .field("retryable", &self.retryable())
            .field("retry_after", &self.retry_after())
            .field("http_status", &self.http_status())
            .field("error_description", &self.error_description())
            .field("hint", &self.hint())
            .finish()
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_longer_than_somebody_reads() {
        let of = |length: usize| Error::argument(&"é".repeat(length)).message().chars().count();
        assert_eq!([of(10), of(100_000)], [10, LONGEST_MESSAGE]);
    }
}
