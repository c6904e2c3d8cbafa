//! Options of a client and of a call, as JSON. What is taken makes a client; what is not is a ConfigError.
#![no_main]

use tokenwell::{Client, Config, TokenRequest};

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    match Config::from_json(json) {
        Ok(config) => drop(Client::new(config)),
        Err(error) => assert!(error.is_config() || error.is_secret(), "{error:?}"),
    }
    let _ = TokenRequest::from_json(json);
});
