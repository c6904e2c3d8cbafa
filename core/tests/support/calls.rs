//! The calls of a client, in both modes.

use std::time::Duration;

use serde_json::{Map, Value};
use tokenwell::{AccessToken, Client, Error, TokenRequest};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Async,
    Blocking,
}

/// What a call of the client gave.
pub enum Got {
    Token(AccessToken),
    /// Of `token` and `authorization`.
    Text(String),
}

impl Got {
    /// The token itself, whatever the call.
    pub fn token(&self) -> &str {
        match self {
            Got::Token(token) => token.value(),
            Got::Text(text) => text.split_once(' ').map_or(text, |(_, token)| token),
        }
    }
}

/// The call by so many callers at once: tasks or threads.
pub fn together(
    mode: Mode,
    client: &Client,
    method: &str,
    request: &TokenRequest,
    callers: u64,
) -> Vec<Result<Got, Error>> {
    match mode {
        Mode::Async => block_on(async {
            let tasks: Vec<_> =
                (0..callers).map(|_| tokio::spawn(ask(client.clone(), method.to_owned(), request.clone()))).collect();
            let mut results = Vec::new();
            for task in tasks {
                results.push(task.await.expect("a task does not panic"));
            }
            results
        }),
        Mode::Blocking if callers == 1 => vec![ask_blocking(client, method, request)],
        Mode::Blocking => std::thread::scope(|scope| {
            let start = |_| {
                let thread = std::thread::Builder::new().stack_size(256 * 1024);
                thread.spawn_scoped(scope, || ask_blocking(client, method, request)).expect("a thread starts")
            };
            let threads: Vec<_> = (0..callers).map(start).collect();
            threads.into_iter().map(|thread| thread.join().expect("a thread does not panic")).collect()
        }),
    }
}

async fn ask(client: Client, method: String, request: TokenRequest) -> Result<Got, Error> {
    match method.as_str() {
        "token" => client.token().await.map(|token| Got::Text(token.to_string())),
        "authorization" => client.authorization().await.map(Got::Text),
        "access_token" if request == TokenRequest::default() => client.access_token().await.map(Got::Token),
        "access_token" => client.access_token_with(&request).await.map(Got::Token),
        _ => panic!("unknown call {method}"),
    }
}

fn ask_blocking(client: &Client, method: &str, request: &TokenRequest) -> Result<Got, Error> {
    let client = client.blocking();
    match method {
        "token" => client.token().map(|token| Got::Text(token.to_string())),
        "authorization" => client.authorization().map(Got::Text),
        "access_token" if *request == TokenRequest::default() => client.access_token().map(Got::Token),
        "access_token" => client.access_token_with(request).map(Got::Token),
        _ => panic!("unknown call {method}"),
    }
}

/// What `revoke` or `introspect` comes to: the members of the answer, none of `revoke`.
pub fn question(mode: Mode, client: &Client, method: &str) -> Result<Map<String, Value>, Error> {
    match (method, mode) {
        ("revoke", Mode::Async) => block_on(client.revoke()).map(|()| Map::new()),
        ("revoke", Mode::Blocking) => client.blocking().revoke().map(|()| Map::new()),
        (_, Mode::Async) => block_on(client.introspect()),
        (_, Mode::Blocking) => client.blocking().introspect(),
    }
}

/// Starts calls and leaves them alone.
pub fn abandon(mode: Mode, client: &Client, calls: u64) {
    match mode {
        Mode::Async => block_on(async {
            let ask = || ask(client.clone(), "token".to_owned(), TokenRequest::default());
            let tasks: Vec<_> = (0..calls).map(|_| tokio::spawn(ask())).collect();
            tokio::task::yield_now().await;
            tasks.iter().for_each(tokio::task::JoinHandle::abort);
        }),
        Mode::Blocking => (0..calls).for_each(|_| {
            client.obtain(&TokenRequest::default()).wait(Duration::ZERO);
        }),
    }
}

/// The library needs no runtime of the caller: this one has neither I/O nor timers.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts").block_on(future)
}
