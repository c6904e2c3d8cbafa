//! Keys and signatures: JWK (RFC 7517), JWS (RFC 7515) and the little of DER that they need.

pub(crate) mod der;
pub(crate) mod jwk;
pub(crate) mod jws;
pub(crate) mod spki;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

/// Base64url without padding, the only form that JOSE knows.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url; padding and other letters are mistakes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The SHA-256 of these bytes as base64url: a thumbprint.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    encode(digest(&SHA256, bytes.as_ref()))
}
