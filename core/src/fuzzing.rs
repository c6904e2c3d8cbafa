//! What the fuzz targets (folder fuzz) do with an input: text from outside is read as the library reads it, and a rule is checked,
//! which stands at each function. Besides, nothing may panic. There in builds for fuzzing, and in tests, which replay the corpora.
#![allow(missing_docs)]

use std::time::UNIX_EPOCH;

use hyper::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use zeroize::Zeroizing;

use crate::cache::Name;
use crate::cache::seal::Keys;
use crate::cache::stored::Stored;
use crate::client::Client;
use crate::config::Config;
use crate::error::Error;
use crate::key::PrivateKey;
use crate::provider::STANDARD;
use crate::request::TokenRequest;
use crate::token::{Source, TokenType};
use crate::{certificate, discovery, response, retry_after};

/// What is echoed by servers, and must be in no error.
const SECRET: &str = "hush: a \"canary\" & 100% secret+";

/// A status, a line break, and a body. A token is visible ASCII; an error shows no secret and no control character.
pub fn response(input: &[u8]) {
    let (line, body) = cut(input);
    let status = std::str::from_utf8(line).ok().and_then(|line| line.parse().ok()).unwrap_or(200);
    let echoes = || vec![SECRET.to_owned()];
    for wanted in [TokenType::Bearer, TokenType::Dpop] {
        match response::read(status, body, wanted, &STANDARD, &echoes) {
            Ok(answer) => assert!(
                !answer.value.as_str().is_empty() && answer.value.as_str().bytes().all(|byte| byte.is_ascii_graphic())
            ),
            Err(error) => quiet(&error),
        }
    }
    response::introspection(status, body, &echoes).err().iter().for_each(quiet);
    response::acknowledgement(status, body, &echoes).err().iter().for_each(quiet);
}

/// The endpoints are https, and at the issuer; those for a certificate alone may be elsewhere.
pub fn metadata(input: &[u8]) {
    let secret = serde_json::json!({"issuer": "https://issuer.example", "client_id": "a", "client_secret": SECRET});
    let certificate = serde_json::json!({
        "issuer": "https://issuer.example", "client_id": "a", "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_certificate": {"file": "a"}, "tls_client_key": {"file": "b"},
    });
    for (options, elsewhere) in [(secret, false), (certificate, true)] {
        let config = Config::from_value(options).expect("good options");
        for endpoint in discovery::endpoints(input, &config) {
            match endpoint {
                Ok(url) => {
                    assert!(url.scheme() == "https" && url.username().is_empty() && url.password().is_none());
                    assert!(elsewhere || url.origin().ascii_serialization() == "https://issuer.example");
                }
                Err(error) => quiet(&error),
            }
        }
    }
}

/// Four lines: `Retry-After`, `Date`, `X-Rate-Limit-Reset`, `Auth0-Client-Quota-Limit`. Any give a wait, or none.
pub fn retry_after(input: &[u8]) {
    let names = [
        RETRY_AFTER,
        DATE,
        HeaderName::from_static("x-rate-limit-reset"),
        HeaderName::from_static("auth0-client-quota-limit"),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in names.into_iter().zip(input.split(|byte| *byte == b'\n')) {
        if let Ok(value) = HeaderValue::from_bytes(value).map(|value| (!value.is_empty()).then_some(value)) {
            headers.extend(value.map(|value| (name, value)));
        }
    }
    let _ = retry_after::read(&headers, UNIX_EPOCH);
    let _ = retry_after::clock_offset(&headers, UNIX_EPOCH);
}

/// A key that is read has an algorithm and a public part, and signs unless it is damaged; no error is a fault of the library.
pub fn key(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match PrivateKey::of_client(text) {
        Ok(key) => {
            let algorithm = key.algorithm(None).expect("each key has an algorithm");
            assert!(key.public().is_ok());
            key.sign(algorithm, b"message").err().iter().for_each(refused);
        }
        Err(error) => refused(&error),
    }
    certificate::chain(text).err().iter().for_each(refused);
}

/// What was not sealed with the key is not opened, what was is; and what is under the seal need not be a token.
pub fn sealed_entry(input: &[u8]) {
    let (keys, name) = (Keys::derive(SECRET.as_bytes()).expect("keys"), Name::from_hash(&[7; 32]));
    assert!(keys.open(&name, Zeroizing::new(input.to_vec()), 0).is_none());
    let sealed = keys.seal(&name, 1, input).expect("sealed");
    assert!(keys.open(&name, Zeroizing::new(sealed), 0).expect("opened").as_slice() == input);
    if let Some((held, forced)) = Stored::read(input).and_then(|stored| stored.held(Source::File)) {
        assert!(Stored::of(&held, forced).is_some(), "what was read can be written");
    }
}

/// Options of a client, as JSON, and of a call. What is taken makes a client; what is not is a fault of the options.
pub fn options(input: &[u8]) {
    match Config::from_json(input).and_then(Client::new) {
        Ok(client) => drop(format!("{client:?}")),
        Err(error) => refused(&error),
    }
    TokenRequest::from_json(input).err().iter().for_each(refused);
}

/// The first line, and what follows it.
fn cut(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}

/// A fault of what was given, not of the library.
fn refused(error: &Error) {
    assert!(error.is_config() || error.is_secret(), "{error:?}");
    quiet(error);
}

fn quiet(error: &Error) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET) && !shown.contains(char::is_control), "{shown}");
}

#[cfg(test)]
mod tests {
    use super::*;

    type Target = fn(&[u8]);

    const TARGETS: [(&str, Target); 6] = [
        ("response", response),
        ("metadata", metadata),
        ("retry_after", retry_after),
        ("key", key),
        ("sealed_entry", sealed_entry),
        ("options", options),
    ];

    #[test]
    fn every_input_of_the_corpora_holds() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        for (name, target) in TARGETS {
            let mut inputs = 0;
            for file in std::fs::read_dir(folder.join(name)).expect("each target has a corpus").flatten() {
                println!("{}", file.path().display());
                target(&std::fs::read(file.path()).expect("an input can be read"));
                inputs += 1;
            }
            assert!(inputs >= 5, "{name}: {inputs} inputs");
        }
    }
}
