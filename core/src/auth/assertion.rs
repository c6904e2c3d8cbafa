//! Client assertions (RFC 7521, RFC 7523 section 2.2): a signed JWT in place of the secret.

use serde_json::{Value, json};

use super::{Attempt, Outgoing};
use crate::config::Config;
use crate::error::Error;
use crate::jwt;

/// RFC 7523 section 2.2.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Seconds that an assertion is good for, from now.
const LIFE: i64 = 55;
/// Seconds that `iat` and `nbf` lie back, for servers whose clock is a little behind.
const BACKDATED: i64 = 5;

/// Puts a ready assertion into the form.
pub(super) fn attach(config: &Config, assertion: &str, outgoing: &mut Outgoing) {
    outgoing.form.add("client_id", &config.client_id);
    outgoing.form.add("client_assertion_type", TYPE);
    outgoing.form.add("client_assertion", assertion);
}

/// Makes an assertion: fresh `jti` each time, `aud` a string (RFC 7523 as updated in 2025), at most 60 s of life.
pub(super) fn make(
    config: &Config,
    attempt: Attempt,
    header: Value,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
) -> Result<String, Error> {
    let now = jwt::now(attempt.clock_offset);
    let claims = json!({
        "iss": config.client_id,
        "sub": config.client_id,
        "aud": config.assertion_audience.as_deref().or(config.issuer()),
        "jti": jwt::fresh_id()?,
        "iat": now - BACKDATED,
        "nbf": now - BACKDATED,
        "exp": now + LIFE,
    });
    jwt::signed(&header, &claims, sign)
}

/// The header of an assertion. `typ` tells it from other JWTs (RFC 8725 section 3.11).
pub(super) fn header(config: &Config, algorithm: &str, key_id: Option<&str>) -> Value {
    let typ = config.assertion_type_header.as_deref().unwrap_or("client-authentication+jwt");
    let mut header = json!({"alg": algorithm, "typ": typ});
    if let Some(id) = config.private_key_id.as_deref().or(key_id) {
        header["kid"] = id.into();
    }
    header
}
