//! An error of the core on its way to JavaScript, where `index.js` makes an `Error` subclass of it.

use napi::bindgen_prelude::Either3;
use napi_derive::napi;
use tokenwell::{AccessToken, Error};

use crate::token::NativeToken;

/// The parts of an error; `kind` names the JavaScript class.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// `ConfigError`, ..., or `TokenwellError` for the base itself.
    pub kind: &'static str,
    /// The stable code.
    pub code: String,
    /// What happened, without the hint.
    pub message: String,
    /// Whether a later try may succeed.
    pub retryable: bool,
    /// Seconds until a try makes sense.
    pub retry_after: Option<f64>,
    /// The status of the server's answer.
    pub http_status: Option<u32>,
    /// The server's own words, cleaned.
    pub error_description: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind().name(),
            code: error.code().into(),
            message: error.message().into(),
            retryable: error.retryable(),
            retry_after: error.retry_after(),
            http_status: error.http_status().map(u32::from),
            error_description: error.error_description().map(Into::into),
            hint: error.hint().map(Into::into),
        }
    }
}

/// What a call comes to: the string of a token or an answer in JSON, a whole token, or why there is none.
pub type Answer = Either3<String, NativeToken, Failure>;

/// A token as its string.
pub fn text(result: Result<AccessToken, Error>) -> Answer {
    result.map_or_else(failed, |token| Either3::A(token.value().to_owned()))
}

/// A token with all that is known of it.
pub fn whole(result: Result<AccessToken, Error>) -> Answer {
    result.map_or_else(failed, |token| Either3::B(token.into()))
}

/// An answer in JSON.
pub fn json(result: Result<String, Error>) -> Answer {
    result.map_or_else(failed, Either3::A)
}

/// What went wrong.
pub fn failed(error: Error) -> Answer {
    Either3::C(error.into())
}
