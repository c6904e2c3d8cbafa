//! Doors for the fuzz targets (folder fuzz), which see text from outside as the library does. There in builds for fuzzing alone.
//! Each target's rule is beside it: besides, nothing may panic.
#![allow(missing_docs)]

use std::time::UNIX_EPOCH;

use hyper::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use zeroize::Zeroizing;

use crate::cache::Name;
use crate::cache::seal::Keys;
use crate::cache::stored::Stored;
use crate::config::Config;
use crate::error::Error;
use crate::key::{self, PrivateKey};
use crate::provider::STANDARD;
use crate::token::{Source, TokenType};
use crate::{discovery, response, retry_after};

/// What is echoed by servers, and must be in no error.
pub const SECRET: &str = "hush: a \"canary\" & 100% secret+";

/// A token is visible ASCII; an error shows no secret and no control character.
pub fn response(status: u16, body: &[u8]) {
    match response::read(status, body, TokenType::Bearer, &STANDARD, &|| vec![SECRET.to_owned()]) {
        Ok(answer) => assert!(!answer.value.is_empty() && answer.value.bytes().all(|byte| byte.is_ascii_graphic())),
        Err(error) => quiet(&error),
    }
}

/// The endpoint is https, and on the issuer's host.
pub fn metadata(body: &[u8]) {
    let options = serde_json::json!({"issuer": "https://issuer.example", "client_id": "a", "client_secret": SECRET});
    let config = Config::from_value(options).expect("good options");
    match discovery::resolve(body, &config) {
        Ok(url) => assert!(url.scheme() == "https" && url.host_str() == Some("issuer.example")),
        Err(error) => quiet(&error),
    }
}

/// Any headers give a wait that can be counted with, or none.
pub fn retry_after(wait: &[u8], date: &[u8], reset: &[u8], quota: &[u8]) {
    let names = [
        RETRY_AFTER,
        DATE,
        HeaderName::from_static("x-rate-limit-reset"),
        HeaderName::from_static("auth0-client-quota-limit"),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in names.into_iter().zip([wait, date, reset, quota]) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    let _ = retry_after::read(&headers, UNIX_EPOCH);
    let _ = retry_after::clock_offset(&headers, UNIX_EPOCH);
}

/// A key that is read can sign.
pub fn key(text: &str) {
    match PrivateKey::read(key::AUTHENTICATION, text) {
        Ok(key) => {
            let algorithm = key.algorithm(None).expect("each key has an algorithm");
            assert!(key.sign(algorithm, b"message").is_ok() && key.public().is_ok());
        }
        Err(error) => quiet(&error),
    }
}

/// What was not sealed with the key is not opened; what is under the seal need not be a token.
pub fn sealed_entry(bytes: &[u8]) {
    let (keys, name) = (Keys::derive(SECRET.as_bytes()).expect("keys"), Name::from_hash(&[7; 32]));
    assert!(keys.open(&name, Zeroizing::new(bytes.to_vec()), 0).is_none());
    let sealed = keys.seal(&name, 1, bytes).expect("sealed");
    assert!(keys.open(&name, Zeroizing::new(sealed), 0).expect("opened").as_slice() == bytes);
    let _ = Stored::read(bytes).and_then(|stored| stored.held(Source::File));
}

fn quiet(error: &Error) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET) && !shown.contains(char::is_control), "{shown}");
}
