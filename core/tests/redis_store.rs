//! The Redis store where it takes more than one process or more than one token (F32, F34). The rest is in the scenarios.

#![allow(clippy::unwrap_used)] // in helpers of tests

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokenwell::{Client, Config, TokenRequest};
use tokenwell_dev_server::{DevServer, Options};

#[path = "support/redis.rs"]
mod redis;

/// Names the options of a process that is one of many.
const ONE_OF_MANY: &str = "TOKENWELL_TEST_ONE_OF_MANY";

fn options(server: &DevServer, url: &Value) -> Value {
    let info = server.info();
    json!({
        "token_endpoint": info.token_endpoint, "client_id": info.client_id, "client_secret": info.client_secret,
        "cache": {"redis": url},
    })
}

/// This program once more: it waits for a line, gets a token and says what that took.
fn process(options: &Value) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "one_of_many", "--nocapture"]).env(ONE_OF_MANY, options.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn one_of_many() {
    let Ok(options) = std::env::var(ONE_OF_MANY) else { return };
    let client = Client::new(Config::from_json(options.as_bytes()).unwrap()).unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let token = client.blocking().access_token();
    let said = token.as_ref().map_or_else(|error| error.code(), |token| token.source().as_str());
    let stats = client.stats();
    println!("\nsaid: {}", json!([said, stats.token_requests, stats.store_errors]));
}

/// Eight processes that ask at once: what each says, and how many requests that took.
fn eight(options: &Value) -> Vec<(String, u64, u64)> {
    let mut processes: Vec<Child> = (0..8).map(|_| process(options)).collect();
    // By then all are at their standard input.
    std::thread::sleep(Duration::from_millis(500));
    for one in &mut processes {
        one.stdin.take().unwrap().write_all(b"now\n").unwrap();
    }
    let said = processes.iter_mut().map(|one| {
        let mut text = String::new();
        one.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(one.wait().unwrap().success(), "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix("said: ")).unwrap();
        serde_json::from_str(line).unwrap()
    });
    said.collect()
}

#[test]
fn f34_eight_processes_start_cold_on_one_redis() {
    let server = DevServer::start(Options::default()).unwrap();
    let mut redis = redis::Redis::new("server");
    let said = eight(&options(&server, &redis.vars["redis"]));
    assert_eq!(said.iter().map(|(_, requests, _)| requests).sum::<u64>(), 1, "{said:?}");
    redis.step(&json!({"keys": 1, "all_expire": true})).unwrap();
    assert!(said.iter().all(|(source, requests, _)| (source == "network") == (*requests == 1)), "{said:?}");
}

#[test]
fn f34_eight_processes_hear_of_an_outage_from_the_one_that_asked() {
    let server = DevServer::start(Options::default()).unwrap();
    let closed = json!([{"status": 503, "json": {"error": "temporarily_unavailable"}, "delay": 0.4, "times": -1}]);
    server.control("POST", "/realms/root/script", &closed);
    let redis = redis::Redis::new("server");
    let said = eight(&options(&server, &redis.vars["redis"]));
    assert!(said.iter().all(|(code, ..)| code == "temporarily_unavailable"), "{said:?}");
    // The attempts of one flight.
    assert_eq!(said.iter().map(|(_, requests, _)| requests).sum::<u64>(), 3, "{said:?}");
}

#[test]
fn f34_who_waits_for_another_process_goes_on_waiting_while_redis_is_late() {
    let server = DevServer::start(Options::default()).unwrap();
    server.control("POST", "/realms/root/script", &json!([{"delay": 1.5}]));
    let mut redis = redis::Redis::new("server");
    let client = |url: &str| Client::new(Config::from_value(options(&server, &redis.vars[url])).unwrap()).unwrap();
    let (first, second) = (client("redis"), client("redis_by_name"));
    let (held, waited) = std::thread::scope(|scope| {
        let held = scope.spawn(|| first.blocking().access_token().unwrap());
        while first.stats().token_requests == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let waited = scope.spawn(|| second.blocking().access_token().unwrap());
        std::thread::sleep(Duration::from_millis(300));
        redis.step(&json!({"pause": true})).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        redis.step(&json!({"continue": true})).unwrap();
        (held.join().unwrap(), waited.join().unwrap())
    });
    assert!(second.stats().store_errors > 0, "Redis was late");
    assert_eq!((waited.value(), waited.source().as_str()), (held.value(), "redis"));
    assert_eq!(second.stats().token_requests, 0);
}

#[test]
fn f32_while_redis_is_down_the_tokens_of_a_process_are_asked_for_in_turns() {
    let server = DevServer::start(Options::default()).unwrap();
    // A port that nobody listens on any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Config::from_value(options(&server, &json!(format!("redis://{closed}")))).unwrap();
    let client = Client::new(client).unwrap();
    let started = Instant::now();
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let ask = |number: usize| {
            let client = &client;
            move || {
                let request = TokenRequest::from_value(json!({"scope": format!("s{number}")})).unwrap();
                client.blocking().access_token_with(&request).unwrap();
                started.elapsed()
            }
        };
        let callers: Vec<_> = (0..40).map(|number| scope.spawn(ask(number))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    took.sort();
    assert_eq!(client.stats().token_requests, 40, "nobody is left without a token");
    // Twenty at once, then ten in a second.
    assert!(took[39] > Duration::from_millis(1900), "{took:?}");
    assert!(took[29] > Duration::from_millis(900), "{took:?}");
}
