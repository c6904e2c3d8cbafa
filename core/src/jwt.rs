//! What all JWTs that are made here have in common (RFC 7519): the compact form, the time, the `jti`.

use std::time::UNIX_EPOCH;

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;

use crate::clock;
use crate::error::Error;
use crate::key::base64url;

/// Header, claims and signature in the compact form (RFC 7515 section 3.1).
pub(crate) fn signed(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
) -> Result<String, Error> {
    let message = message(header, claims);
    let signature = sign(message.as_bytes())?;
    Ok(compact(&message, &signature))
}

/// What is signed (RFC 7515 section 5.1).
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()))
}

/// What was signed, with its signature.
pub(crate) fn compact(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", base64url(signature))
}

/// Seconds since 1970, on a clock that is so many seconds ahead of ours.
pub(crate) fn now(offset: i64) -> i64 {
    clock::wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64) + offset
}

/// 128 bits of chance.
pub(crate) fn fresh_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("the operating system gave no random numbers"))?;
    Ok(base64url(bytes))
}
