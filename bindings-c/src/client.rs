//! Clients for C.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use tokenwell::{Client, Config, Error, TokenRequest};

use crate::boundary::{bytes, c_string, fill, get, guarded, object, status, text};
use crate::error::{Failure, TokenwellError, TokenwellStatus};
use crate::handle::{Opaque, free, give};
use crate::token::{TokenwellToken, handle, tokenwell_token_free, tokenwell_token_value};

/// Gets tokens for one set of options and keeps them. Owned by the caller; free it with `tokenwell_client_free`. Several
/// threads may use it at once; `tokenwell_client_free` must be the last call.
pub struct TokenwellClient(());

impl Opaque for TokenwellClient {
    type Inner = Client;
    const TAG: u64 = 0x7465_696c_635f_7774;
    const NAME: &'static str = "client";
}

fn make(config: Result<Config, Error>) -> Result<*mut TokenwellClient, Failure> {
    Ok(give(Client::new(config?)?))
}

/// Makes a client of a JSON object of options in snake_case, e.g. `token_endpoint`, `client_id`. Sends nothing, starts no thread.
///
/// - `json`: `json_len` bytes, not kept
/// - `client`: set to the new client, owned by the caller; NULL on failure
/// - `error`: set to NULL; on failure to an error, owned by the caller
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenwell_client_new(
    json: *const c_char,
    json_len: usize,
    client: Option<&mut MaybeUninit<*mut TokenwellClient>>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus {
    // SAFETY: the header asks that a text is readable for its length.
    fill("client", client, error, || make(Config::from_json(unsafe { bytes(json, json_len, "json")? })))
}

/// Makes a client of the environment: each option from `TOKENWELL_` and its name in capitals, e.g. `TOKENWELL_CLIENT_ID`.
/// `client` and `error` as in `tokenwell_client_new`.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_from_env(
    client: Option<&mut MaybeUninit<*mut TokenwellClient>>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus {
    fill("client", client, error, || make(Config::from_env()))
}

/// As `tokenwell_client_from_env`, with a JSON object of options (`json_len` bytes, not kept) that win over the environment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenwell_client_from_env_with(
    json: *const c_char,
    json_len: usize,
    client: Option<&mut MaybeUninit<*mut TokenwellClient>>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus {
    // SAFETY: the header asks that a text is readable for its length.
    fill("client", client, error, || make(Config::from_env_with(unsafe { bytes(json, json_len, "json")? })))
}

/// Gets a token: the kept one while it is good, else a new one. Blocks for at most the client's `timeout`.
///
/// - `token`: set to a token handle, owned by the caller; NULL on failure
/// - `error`: set to NULL; on failure to an error, owned by the caller
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_token(
    client: Option<&TokenwellClient>,
    token: Option<&mut MaybeUninit<*mut TokenwellToken>>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus {
    fill("token", token, error, || Ok(handle(object(client)?.blocking().access_token()?)))
}

/// As `tokenwell_client_token`, with a JSON object of options for this call: `scope`, `audience`, `resource` and
/// `min_valid`, the seconds of life that the token must still have. `json` is `json_len` bytes, not kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenwell_client_token_with(
    client: Option<&TokenwellClient>,
    json: *const c_char,
    json_len: usize,
    token: Option<&mut MaybeUninit<*mut TokenwellToken>>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus {
    fill("token", token, error, || {
        // SAFETY: the header asks that a text is readable for its length.
        let request = TokenRequest::from_json(unsafe { bytes(json, json_len, "json")? })?;
        Ok(handle(object(client)?.blocking().access_token_with(&request)?))
    })
}

/// The token's value, if `tokenwell_client_token` would give this very token again, and without waiting: what was made of it, a
/// header or a string of another language, is still good. Owned by the token handle. NULL: it would not.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_has(
    client: Option<&TokenwellClient>,
    token: Option<&TokenwellToken>,
) -> *const c_char {
    get(client, null(), |client| {
        let cached = client.cached(&TokenRequest::default()).map(|cached| cached.identity());
        let same = cached.is_some_and(|cached| get(token, false, |token| token.token.identity() == cached));
        tokenwell_token_value(token.filter(|_| same))
    })
}

/// Frees `last`, a token handle or NULL, and goes on as `tokenwell_client_token`: for languages in which each call of C costs. The
/// new token's value, owned by its handle; NULL on failure.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_renew(
    client: Option<&TokenwellClient>,
    last: Option<&mut TokenwellToken>,
    mut token: Option<&mut MaybeUninit<*mut TokenwellToken>>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> *const c_char {
    tokenwell_token_free(last);
    // By the one function that gets a token: where the way of a cached one is there twice, it is in neither place part of its caller.
    tokenwell_client_token(client, token.as_deref_mut(), error);
    // SAFETY: it is set in every case, to NULL or to a token.
    tokenwell_token_value(token.and_then(|token| unsafe { token.assume_init().as_ref() }))
}

/// Says that a resource refused this token (`value`, `value_len` bytes): if it is the kept one, the next call gets a new one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenwell_client_invalidate(
    client: Option<&TokenwellClient>,
    value: *const c_char,
    value_len: usize,
) -> TokenwellStatus {
    // SAFETY: the header asks that a text is readable for its length.
    status(|| unsafe { text(value, value_len, "value") }.and_then(|value| object(client).map(|c| c.invalidate(value))))
}

/// Ends the tokens that the client holds (RFC 7009) and gives them up in any case. Blocks. `error` as in `tokenwell_client_token`.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_revoke(
    client: Option<&TokenwellClient>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus {
    let mut nothing = MaybeUninit::<*mut u8>::uninit();
    fill("", Some(&mut nothing), error, || Ok(object(client)?.blocking().revoke().map(|()| null_mut())?))
}

/// Asks the server what it knows of the client's token (RFC 7662). Blocks. `error` as in `tokenwell_client_token`; `answer`: set
/// to a JSON object with `active`, owned by the caller; free it with `tokenwell_string_free`; NULL on failure
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_introspect(
    client: Option<&TokenwellClient>,
    answer: Option<&mut MaybeUninit<*mut c_char>>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus {
    fill("answer", answer, error, || {
        let answer = object(client)?.blocking().introspect()?;
        Ok(c_string(&serde_json::to_string(&answer).unwrap_or_default()).into_raw())
    })
}

/// Makes a DPoP proof (RFC 9449) for one request of the caller's own: the value of its `DPoP` header, new for each request.
/// - `method`, `url`, `token`: of the request, texts with their lengths; `token` is that of its `Authorization` header
/// - `proof`: set to the proof, owned by the caller; free it with `tokenwell_string_free`; `error` as in `tokenwell_client_token`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenwell_client_dpop_proof(
    client: Option<&TokenwellClient>,
    method: *const c_char,
    method_len: usize,
    url: *const c_char,
    url_len: usize,
    token: *const c_char,
    token_len: usize,
    proof: Option<&mut MaybeUninit<*mut c_char>>,
    error: Option<&mut MaybeUninit<*mut TokenwellError>>,
) -> TokenwellStatus {
    fill("proof", proof, error, || {
        // SAFETY: the header asks that a text is readable for its length.
        let [method, url, token] = unsafe {
            [text(method, method_len, "method")?, text(url, url_len, "url")?, text(token, token_len, "token")?]
        };
        Ok(c_string(&object(client)?.dpop_proof(method, url, token)?).into_raw())
    })
}

/// Keeps the `DPoP-Nonce` of a resource's answer for the next proofs to the origin of `url` (RFC 9449 section 9). After a 401
/// with the error `use_dpop_nonce` the request can be sent once more, with a new proof. `url` and `nonce` have their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenwell_client_dpop_nonce(
    client: Option<&TokenwellClient>,
    url: *const c_char,
    url_len: usize,
    nonce: *const c_char,
    nonce_len: usize,
) -> TokenwellStatus {
    status(|| {
        // SAFETY: the header asks that a text is readable for its length.
        let (url, nonce) = unsafe { (text(url, url_len, "url")?, text(nonce, nonce_len, "nonce")?) };
        object(client).map(|client| client.dpop_nonce(url, nonce))
    })
}

/// What the client has done so far, as a JSON object: token_requests, flights, in_flight, joined, failures, refused, stale,
/// invalidations, store_hits, store_misses, store_errors, exposed_files. Owned by the caller; free it with `tokenwell_string_free`. NULL: no client.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_stats(client: Option<&TokenwellClient>) -> *mut c_char {
    get(client, null_mut(), |client| c_string(&client.stats().to_json()).into_raw())
}

/// What should be put right and is no error, each thing once in a process: a file with a secret that everybody can read. To be asked
/// once the client is made, and logged. Owned by the caller; free it with `tokenwell_string_free`. NULL: all is well.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_warning(client: Option<&TokenwellClient>) -> *mut c_char {
    get(client, null_mut(), |client| client.warning().map_or_else(null_mut, |text| c_string(&text).into_raw()))
}

/// Closes a client: later token calls fail with the code `client_closed`. The handle must still be freed.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_close(client: Option<&TokenwellClient>) -> TokenwellStatus {
    status(|| object(client).map(|client| client.close()))
}

/// Frees a client; its token handles stay usable. NULL and a handle that is refused are left alone.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_client_free(client: Option<&mut TokenwellClient>) {
    guarded(|| (), || free(client));
}

/// Frees a string of `tokenwell_client_stats`, `_warning`, `_dpop_proof` or `_introspect`. NULL is left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenwell_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: the header asks for a string of one of these, which came from `CString::into_raw`.
        drop(unsafe { CString::from_raw(string) });
    }
}

/// Version of this library, e.g. `0.1.0`. Static.
#[unsafe(no_mangle)]
pub extern "C" fn tokenwell_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
