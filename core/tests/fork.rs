//! F26: what only a program in Rust can do, a fork between the beginning of a call and its end.

#![cfg(unix)]

use std::time::{Duration, Instant};

use serde_json::json;
use support::calls;
use support::process::fork;
use support::realm::Realm;
use tokenwell::{Answer, Client, Config, Pending, TokenRequest};
use tokenwell_dev_server::{DevServer, Options};

#[allow(dead_code)] // the scenarios need more of it
mod support;

#[test]
fn f26_a_call_that_was_begun_before_the_fork_ends_in_the_child_at_once() {
    let server = DevServer::start(Options::default()).unwrap();
    let code = |answer: Answer| answer.err().map(|error| error.code().to_owned());
    let ends: [&dyn Fn(Pending) -> Option<String>; 3] = [
        &|pending| code(calls::block_on(pending)),
        &|mut pending| code(pending.wait(Duration::from_secs(1))?),
        &|pending| {
            drop(pending);
            Some("closed".to_owned())
        },
    ];
    for end in ends {
        let realm = Realm::new(&server.info().control, &json!({"script": [{"fault": "hang"}]}));
        let options =
            ["token_endpoint", "client_id", "client_secret"].map(|name| (name.to_owned(), realm.vars[name].clone()));
        let client = Client::new(Config::from_value(options.into_iter().collect()).unwrap()).unwrap();
        let mut pending = client.obtain(&TokenRequest::default());
        while realm.log()["total"] == 0 {
            assert!(pending.wait(Duration::from_millis(5)).is_none(), "the server hangs");
        }
        let child = || {
            let started = Instant::now();
            let ended = end(pending);
            let new = client.blocking().token().map_err(|error| error.to_string())?;
            let took = started.elapsed();
            let fine = ended.as_deref() == Some("closed") && !new.is_empty() && took < Duration::from_secs(1);
            if fine { Ok(()) } else { Err(format!("{ended:?} after {took:?}")) }
        };
        fork(child).unwrap();
    }
}
