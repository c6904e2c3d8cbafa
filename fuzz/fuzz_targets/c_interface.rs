//! Calls of the C interface in any order with any bytes, as a C program may make them: with NULL, with text that is no UTF-8, after
//! a close. What was freed is not used again: that is the caller's to see to. A client is closed before it is asked for a token,
//! so that nothing is sent.
#![no_main]
#![allow(dead_code)] // what no step calls

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr::null;

use libfuzzer_sys::arbitrary::{self, Arbitrary};

#[path = "../../bindings-c/src/boundary.rs"]
mod boundary;
#[path = "../../bindings-c/src/client.rs"]
mod client;
#[path = "../../bindings-c/src/error.rs"]
mod error;
#[path = "../../bindings-c/src/handle.rs"]
mod handle;
#[path = "../../bindings-c/src/token.rs"]
mod token;

#[derive(Arbitrary, Debug)]
enum Step {
    New(Option<Vec<u8>>),
    FromEnvWith(Option<Vec<u8>>),
    TokenWith(Option<Vec<u8>>),
    Invalidate(Option<Vec<u8>>),
    Stats,
    Close,
    NoPlace,
}

/// NULL, or the bytes.
fn given(bytes: &Option<Vec<u8>>) -> (*const c_char, usize) {
    bytes.as_ref().map_or((null(), 0), |bytes| (bytes.as_ptr().cast(), bytes.len()))
}

/// Reads the error as a C program would, and frees it.
fn report(error: MaybeUninit<*mut error::TokenwellError>) {
    // SAFETY: every call sets its out-parameters, to NULL or to an object that is the caller's now.
    let Some(error) = (unsafe { error.assume_init().as_mut() }) else { return };
    for text in [error::tokenwell_error_kind(Some(error)), error::tokenwell_error_code(Some(error)), error::tokenwell_error_message(Some(error))] {
        // SAFETY: the header says that these are strings.
        assert!(unsafe { std::ffi::CStr::from_ptr(text) }.to_str().is_ok());
    }
    error::tokenwell_error_free(Some(error));
}

libfuzzer_sys::fuzz_target!(|steps: Vec<Step>| {
    let mut clients: Vec<*mut client::TokenwellClient> = Vec::new();
    for step in steps {
        // SAFETY: it was given out by the library and is freed at the end alone.
        let last = || clients.last().and_then(|client| unsafe { client.as_ref() });
        let (mut made, mut failed) = (MaybeUninit::uninit(), MaybeUninit::new(std::ptr::null_mut()));
        match &step {
            Step::New(json) => {
                let (json, length) = given(json);
                unsafe { client::tokenwell_client_new(json, length, Some(&mut made), Some(&mut failed)) };
                clients.extend(Some(unsafe { made.assume_init() }).filter(|made| !made.is_null()));
            }
            Step::FromEnvWith(json) => {
                let (json, length) = given(json);
                unsafe { client::tokenwell_client_from_env_with(json, length, Some(&mut made), Some(&mut failed)) };
                clients.extend(Some(unsafe { made.assume_init() }).filter(|made| !made.is_null()));
            }
            Step::TokenWith(json) => {
                client::tokenwell_client_close(last());
                let ((json, length), mut token) = (given(json), MaybeUninit::uninit());
                unsafe { client::tokenwell_client_token_with(last(), json, length, Some(&mut token), Some(&mut failed)) };
                assert!(unsafe { token.assume_init() }.is_null());
            }
            Step::Invalidate(value) => {
                let (value, length) = given(value);
                unsafe { client::tokenwell_client_invalidate(last(), value, length) };
            }
            Step::Stats => unsafe { client::tokenwell_string_free(client::tokenwell_client_stats(last())) },
            Step::Close => drop(client::tokenwell_client_close(last())),
            Step::NoPlace => drop(unsafe { client::tokenwell_client_new(null(), 0, None, None) }),
        }
        report(failed);
    }
    for client in clients {
        client::tokenwell_client_free(unsafe { client.as_mut() });
    }
});
