//! The client: options as JSON in, tokens and failures out.

use std::cell::RefCell;
use std::time::Duration;

use napi::bindgen_prelude::{Either, Either3, Function, Null, Undefined};
use napi::{Env, Result};
use napi_derive::napi;
use slab::Slab;
use tokenwell::{AccessToken, Client, Config, Error, Pending, TokenRequest};

use crate::failure::{Answer, Failure, failed, json, text, whole};
use crate::promise::{Promised, Settle, promised};
use crate::token::NativeToken;

/// How long a blocking call waits before it looks whether JavaScript is being ended, as by `worker.terminate()`.
const SLICE: Duration = Duration::from_millis(50);

thread_local! {
    /// The clients of this thread's JavaScript by their numbers, each with the token that was given last. An object of Node-API for
    /// each would take four hundred bytes. They end with their thread.
    static CLIENTS: RefCell<Slab<(Client, Option<AccessToken>)>> = const { RefCell::new(Slab::new()) };
}

type Opened = Either<u32, Failure>;
type Glance = Either3<bool, String, Null>;

fn open(config: std::result::Result<Config, Error>) -> Opened {
    match config.and_then(Client::new) {
        Ok(client) => Either::A(CLIENTS.with_borrow_mut(|clients| clients.insert((client, None))) as u32),
        Err(error) => Either::B(error.into()),
    }
}

/// The client of this number.
fn client(number: u32) -> Result<Client> {
    CLIENTS.with_borrow(|clients| match clients.get(number as usize) {
        Some((client, _)) => Ok(client.clone()),
        None => Err(napi::Error::from_reason("there is no such client")),
    })
}

/// What should be put right and is no error: to be asked once, when the client is made.
#[napi(catch_unwind)]
pub fn warning(number: u32) -> Option<String> {
    CLIENTS.with_borrow(|clients| clients.get(number as usize).and_then(|(client, _)| client.warning()))
}

/// Nothing asks for the client of this number any more.
#[napi(catch_unwind)]
pub fn let_go(number: u32) {
    drop(CLIENTS.with_borrow_mut(|clients| clients.try_remove(number as usize)));
}

/// The function that answers a call without options from the cache, for the client of a number: the token's string, `true` if it
/// gave that last time, `null` for none. A plain function costs a tenth of a method, which looks its object up behind a lock, and
/// half of an exported one; there is one for all clients, since V8 spends a kilobyte on each.
#[napi(catch_unwind)]
pub fn watch(env: &Env) -> Result<Function<'_, u32, Glance>> {
    env.create_function_from_closure("cached", |call| call.get(0).map(cached))
}

fn cached(number: u32) -> Glance {
    CLIENTS.with_borrow_mut(|clients| {
        let Some((client, known)) = clients.get_mut(number as usize) else { return Either3::C(Null) };
        let token = client.cached(&TokenRequest::default());
        // `known` keeps its token alive, so no other one can have that identity.
        let is_known = |token: &AccessToken| known.as_ref().is_some_and(|known| known.identity() == token.identity());
        if token.as_ref().is_some_and(is_known) {
            return Either3::A(true);
        }
        known.clone_from(&token);
        token.map_or(Either3::C(Null), |token| Either3::B(token.value().to_owned()))
    })
}

/// A client of these options: a JSON object with the schema's names.
#[napi(catch_unwind)]
pub fn client_from_json(options: String) -> Opened {
    open(Config::from_json(options.as_bytes()))
}

/// A client of the `TOKENWELL_*` variables.
#[napi(catch_unwind)]
pub fn client_from_env() -> Opened {
    open(Config::from_env())
}

/// A client of the guide's three arguments.
#[napi(catch_unwind)]
pub fn client_from_guide(id: Option<String>, secret: Option<String>, url: Option<String>) -> Opened {
    open(Config::from_guide(id, secret, url))
}

/// The token whose string [`watch`]'s function gave last.
#[napi(catch_unwind)]
pub fn known(number: u32) -> Option<NativeToken> {
    CLIENTS.with_borrow(|clients| clients.get(number as usize).and_then(|(_, known)| known.clone()).map(Into::into))
}

/// A token, at once or for `settle`: its string, or the whole. `options`: the call's own, as JSON.
#[napi(catch_unwind)]
pub fn obtain(env: &Env, number: u32, is_whole: bool, options: Option<String>, settle: Settle<'_>) -> Result<Promised> {
    let convert = if is_whole { whole } else { text };
    let mut pending = match pending(number, options)? {
        Ok(pending) => pending,
        Err(error) => return Ok(Some(failed(error))),
    };
    match pending.wait(Duration::ZERO) {
        Some(result) => Ok(Some(convert(result))),
        None => promised(env, &settle, pending, convert),
    }
}

/// The same; blocks this thread until it is there. Throws only if JavaScript is being ended.
#[napi(catch_unwind)]
pub fn obtain_sync(env: &Env, number: u32, is_whole: bool, options: Option<String>) -> Result<Answer> {
    let convert = if is_whole { whole } else { text };
    match pending(number, options)? {
        Ok(pending) => Ok(convert(settle(env, pending)?)),
        Err(error) => Ok(failed(error)),
    }
}

/// A question about the client's token, "revoke" or "introspect": its answer for `settle`, JSON.
#[napi(catch_unwind)]
pub fn ask(env: &Env, number: u32, question: String, settle: Settle<'_>) -> Result<Promised> {
    promised(env, &settle, asked(number, &question)?, json)
}

/// The same; blocks this thread until the answer is there.
#[napi(catch_unwind)]
pub fn ask_sync(env: &Env, number: u32, question: String) -> Result<Answer> {
    Ok(json(settle(env, asked(number, &question)?)?))
}

/// The resource refused this token.
#[napi(catch_unwind)]
pub fn invalidate(number: u32, token: String) -> Result<()> {
    client(number)?.invalidate(&token);
    forget(number);
    Ok(())
}

/// A proof for the header `DPoP` of one request.
#[napi(catch_unwind)]
pub fn dpop_proof(number: u32, method: String, url: String, token: String) -> Result<Either<String, Failure>> {
    Ok(match client(number)?.dpop_proof(&method, &url, &token) {
        Ok(proof) => Either::A(proof),
        Err(error) => Either::B(error.into()),
    })
}

/// The nonce of an answer.
#[napi(catch_unwind)]
pub fn dpop_nonce(number: u32, url: String, nonce: String) -> Result<()> {
    client(number)?.dpop_nonce(&url, &nonce);
    Ok(())
}

/// The counters, as JSON.
#[napi(catch_unwind)]
pub fn stats(number: u32) -> Result<String> {
    Ok(client(number)?.stats().to_json())
}

/// Later calls fail.
#[napi(catch_unwind)]
pub fn close(number: u32) -> Result<()> {
    client(number)?.close();
    forget(number);
    Ok(())
}

/// The outcome of a call, for which this thread waits.
fn settle<T>(env: &Env, mut pending: Pending<T>) -> Result<std::result::Result<T, Error>> {
    loop {
        if let Some(result) = pending.wait(SLICE) {
            return Ok(result);
        }
        env.run_script::<_, Undefined>("undefined")?;
    }
}

/// A token that is given up lives on in no client.
fn forget(number: u32) {
    let known = CLIENTS.with_borrow_mut(|clients| clients.get_mut(number as usize).and_then(|(_, known)| known.take()));
    drop(known);
}

fn asked(number: u32, question: &str) -> Result<Pending<String>> {
    let client = client(number)?;
    Ok(match question {
        "revoke" => {
            forget(number);
            client.revoke().map(|()| "null".to_owned())
        }
        _ => client.introspect().map(|answer| serde_json::to_string(&answer).unwrap_or_default()),
    })
}

fn pending(number: u32, options: Option<String>) -> Result<std::result::Result<Pending, Error>> {
    let client = client(number)?;
    let request = options.map(|json| TokenRequest::from_json(json.as_bytes())).transpose();
    Ok(request.map(|request| client.obtain(&request.unwrap_or_default())))
}
