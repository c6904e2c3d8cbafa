//! An issued token, read by the JavaScript class `AccessToken`.

use std::time::UNIX_EPOCH;

use napi_derive::napi;
use tokenwell::AccessToken;

/// A handle on one issued token. JavaScript keeps what it has read.
#[napi(js_name = "Token")]
pub struct NativeToken(AccessToken);

impl From<AccessToken> for NativeToken {
    fn from(token: AccessToken) -> Self {
        Self(token)
    }
}

#[napi]
impl NativeToken {
    /// The bearer string.
    #[napi(getter, catch_unwind)]
    pub fn value(&self) -> &str {
        self.0.value()
    }

    /// The value of an `Authorization` header.
    #[napi(getter, catch_unwind)]
    pub fn authorization(&self) -> &str {
        self.0.authorization()
    }

    /// `Bearer`.
    #[napi(getter, catch_unwind)]
    pub fn token_type(&self) -> &str {
        self.0.token_type()
    }

    /// Milliseconds since the epoch, for `new Date`.
    #[napi(getter, catch_unwind)]
    pub fn expires_at(&self) -> f64 {
        let since = self.0.expires_at().duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64() * 1000.0
    }

    /// Whole seconds left now.
    #[napi(getter, catch_unwind)]
    pub fn expires_in(&self) -> f64 {
        self.0.expires_in() as f64
    }

    /// The scope that the server named.
    #[napi(getter, catch_unwind)]
    pub fn scope(&self) -> Option<&str> {
        self.0.scope()
    }

    /// Where the token came from: `network` or `memory`.
    #[napi(getter, catch_unwind)]
    pub fn source(&self) -> &str {
        self.0.source().as_str()
    }

    /// The other members of the answer, as JSON.
    #[napi(getter, catch_unwind)]
    pub fn extra(&self) -> String {
        serde_json::to_string(self.0.extra()).unwrap_or_else(|_| "{}".into())
    }
}
