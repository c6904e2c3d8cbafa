//! Why a command fails, and the exit code that says so.

use serde_json::{Value, json};
use tokenwell::{Error, ErrorKind};

/// The exit code of whatever has no code of its own.
pub(crate) const OTHER: i32 = 1;

/// An error of the core, or one of the command line in the same shape. It shows no secret.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    retryable: bool,
    retry_after: Option<f64>,
    http_status: Option<u16>,
    error_description: Option<String>,
}

impl Failure {
    fn new(kind: ErrorKind, code: &str, message: String) -> Failure {
        Failure {
            kind,
            code: code.to_owned(),
            message,
            hint: None,
            retryable: false,
            retry_after: None,
            http_status: None,
            error_description: None,
        }
    }

    /// A wrong argument, file or variable.
    pub(crate) fn config(code: &str, message: impl Into<String>) -> Failure {
        Failure::new(ErrorKind::Config, code, message.into())
    }

    /// What belongs to no branch of the error tree.
    pub(crate) fn other(code: &str, message: impl Into<String>) -> Failure {
        Failure::new(ErrorKind::Internal, code, message.into())
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: Some(hint.into()), ..self }
    }

    /// The exit code of this branch of the error tree.
    pub(crate) fn exit_code(&self) -> i32 {
        match self.kind {
            ErrorKind::Config => 2,
            ErrorKind::Secret => 3,
            ErrorKind::Transport => 4,
            ErrorKind::Server => 5,
            ErrorKind::Response => 6,
            ErrorKind::Cache => 7,
            _ => OTHER,
        }
    }

    /// The members of the error in every language.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "code": self.code,
            "message": self.message,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "http_status": self.http_status,
            "error_description": self.error_description,
            "hint": self.hint,
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure {
            kind: error.kind(),
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            hint: error.hint().map(str::to_owned),
            retryable: error.retryable(),
            retry_after: error.retry_after(),
            http_status: error.http_status(),
            error_description: error.error_description().map(str::to_owned),
        }
    }
}

/// The lines for people: what happened, what the server said, what to do.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.kind.name(), self.code, self.message)?;
        if let Some(text) = self.error_description.as_ref().filter(|text| !self.message.contains(text.as_str())) {
            write!(f, "\n  the server says: {text}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  what to do: {hint}"),
            None => Ok(()),
        }
    }
}
