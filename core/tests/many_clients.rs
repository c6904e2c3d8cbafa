//! F36: thousands of clients in one process. A program of its own, since it looks at the memory of the process and moves its clock.

use std::time::{Duration, Instant};

use serde_json::json;
use tokenwell::{Client, Config};
use tokenwell_dev_server::{DevServer, Options};

const CLIENTS: usize = 5_000;
const LIFETIME: f64 = 3600.0;

#[test]
fn f36_five_thousand_clients_stay_small_and_do_not_refresh_together() {
    let server = DevServer::start(Options::default()).unwrap();
    let info = server.info();
    let client = |number: usize| {
        let options = json!({
            "token_endpoint": info.token_endpoint, "client_id": info.client_id, "client_secret": info.client_secret,
            "extra_parameters": {"number": number.to_string()}, "timeout": 60,
        });
        Client::new(Config::from_value(options).unwrap()).unwrap()
    };
    client(CLIENTS).blocking().token().unwrap();
    let before = resident_kib();
    let clients: Vec<Client> = (0..CLIENTS).map(client).collect();
    clients.iter().for_each(|client| drop(client.blocking().token().unwrap()));
    let each = (resident_kib() - before) * 1024 / CLIENTS;
    // The development server lives in this process too and remembers its tokens, so this is an upper bound.
    assert!(each < 16 * 1024, "{each} bytes a client");

    // From 70 % to 80 % of the life of the tokens, in twenty steps: everyone is asked at each, as a busy program does.
    tokenwell::testing::advance_clock(LIFETIME * 0.70);
    let mut refreshed = vec![requests(&clients)];
    for _ in 0..20 {
        tokenwell::testing::advance_clock(LIFETIME * 0.005);
        clients.iter().for_each(|client| drop(client.blocking().token().unwrap()));
        settle(&clients);
        refreshed.push(requests(&clients));
    }
    let steps: Vec<u64> = refreshed.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps.iter().sum::<u64>(), CLIENTS as u64, "each is refreshed once: {steps:?}");
    assert!(steps.iter().all(|step| *step < CLIENTS as u64 / 5), "no step has a crowd: {steps:?}");
}

fn requests(clients: &[Client]) -> u64 {
    clients.iter().map(|client| client.stats().token_requests).sum()
}

fn settle(clients: &[Client]) {
    let until = Instant::now() + Duration::from_secs(60);
    while clients.iter().any(|client| client.stats().in_flight > 0) {
        assert!(Instant::now() < until, "the refreshes end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Resident memory of this process in KiB (VmRSS of proc(5)).
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}
