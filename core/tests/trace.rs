//! S30: with every logger that Rust has turned up to TRACE, no record of the library or of what it stands on shows a secret.
//!
//! The library itself logs nothing. The crates that it stands on do where the program turns their logging on: rustls' is on here,
//! as it is in a program that uses rustls with its default features.

use std::fmt::{Debug, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use support::realm::Realm;
use tokenwell::{Client, Config};
use tokenwell_dev_server::{DevServer, Options};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};

#[allow(dead_code)] // the scenarios need more of it
mod support;

const SECRET: &str = "canary secret/30+%";
/// The secret percent-encoded and as it is in the Basic header, from its second byte on: what stands before it is the id.
const FORMS: [&str; 3] = [SECRET, "canary%20secret%2F30%2B%25", "YW5hcnklMjBzZWNyZXQlMkYzMCUyQiUyN"];

static RECORDS: LazyLock<Mutex<String>> = LazyLock::new(Mutex::default);

fn records() -> MutexGuard<'static, String> {
    RECORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes down whatever is logged.
struct Recorder;

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let _ = writeln!(records(), "{} {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

impl tracing::Subscriber for Recorder {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Fields);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields;

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = writeln!(records(), "{field} {value:?}");
    }
}

/// Successes and failures, each of which shows the server's side of the secret.
fn script() -> Value {
    let echo = "no: ${client_secret}";
    json!([
        {"status": 401, "json": {"error": "invalid_client", "error_description": echo}},
        {"status": 400, "raw": "<html>${client_secret}</html>"},
        {"status": 503, "raw": echo},
        {"fault": "reset"},
        {"issue": {}, "fault": "truncated_chunked"},
        {"status": 302, "location": "${canary}"},
        {"issue": {}, "encoding": "gzip"},
        {},
    ])
}

/// Plays the script with a client of these options; gives what a record must not show of it.
fn play(control: &str, server: Value, options: Value) -> Vec<String> {
    let mut settings = json!({"client_id": "client-S30", "client_secret": SECRET, "script": script()});
    let members = settings.as_object_mut().expect("an object");
    members.extend(server.as_object().expect("an object").clone());
    let realm = Realm::new(control, &settings);
    let mut all = json!({"client_id": "${client_id}", "token_endpoint": "${https_token_endpoint}", "tls_ca_file": "${ca_file}", "timeout": 5});
    all.as_object_mut().expect("an object").extend(options.as_object().expect("an object").clone());
    let mut outcomes = Vec::new();
    for _ in 0..8 {
        // A client of its own each time: the refusal of the one before does not stand for it.
        let client = Client::new(Config::from_value(realm.fill(&all)).expect("valid options")).expect("a client");
        outcomes.push(client.blocking().access_token().is_ok());
        let _ = (client.blocking().introspect(), client.blocking().revoke());
        tokenwell::testing::advance_clock(4000.0);
        realm.advance(4000.0);
    }
    // The library's clock is the process's; the next realm begins at the real time.
    tokenwell::testing::advance_clock(-8.0 * 4000.0);
    assert!(outcomes.contains(&true) && outcomes.contains(&false), "{outcomes:?}");
    let log = realm.log();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let requests = log["requests"].as_array().expect("a list of requests");
    let sent = requests.iter().flat_map(|request| {
        let assertion = request["form"]["client_assertion"].as_str();
        // The signature: what stands before it is no secret.
        assertion
            .into_iter()
            .chain(request["authorization"].as_str())
            .map(|text| text.rsplit(['.', ' ']).next().unwrap_or(text).to_owned())
    });
    let keys = ["private_key", "dpop_key", "tls_client_key"].map(|name| realm.fill(&all[name]));
    let lines = keys.iter().filter_map(Value::as_str).flat_map(str::lines).filter(|line| !line.starts_with('-'));
    texts(&log["issued"]).into_iter().chain(sent).chain(lines.map(str::to_owned)).collect()
}

#[test]
fn s30_no_record_at_trace_shows_a_secret() {
    tracing::subscriber::set_global_default(Recorder).expect("no other subscriber");
    log::set_boxed_logger(Box::new(Recorder)).expect("no other logger");
    log::set_max_level(log::LevelFilter::Trace);
    tracing::trace!(proof = "of tracing");
    let server = DevServer::start(Options::default()).expect("a server");
    let control = &server.info().control;

    let secret = json!({"client_secret": "${client_secret}"});
    let mut hidden: Vec<String> = FORMS.map(str::to_owned).into();
    hidden.extend(play(control, json!({}), secret));
    for method in ["client_secret_post", "client_secret_jwt"] {
        let options = json!({"client_secret": "${client_secret}", "token_endpoint_auth_method": method, "assertion_audience": "${https_issuer}"});
        hidden.extend(play(control, json!({"auth_methods": [method]}), options));
    }
    let signed = json!({"auth_methods": ["private_key_jwt"], "jwks": "test", "dpop": "required"});
    let options = json!({
        "private_key": "${ec_private_key}", "assertion_audience": "${https_issuer}",
        "dpop": true, "dpop_key": "${ec384_private_key}",
        "tls_client_certificate": "${tls_client_certificate}", "tls_client_key": "${tls_client_key}",
    });
    hidden.extend(play(control, signed, options));
    let proxied = json!({"client_id": "a", "client_secret": SECRET, "token_endpoint": "https://localhost:1/token", "proxy": "http://user:canary-of-a-proxy@127.0.0.1:1"});
    let client = Client::new(Config::from_value(proxied).expect("valid options")).expect("a client");
    assert_eq!(client.blocking().token().expect_err("no proxy is there").code(), "proxy");
    // `user:canary-of-a-proxy` in base64, from its second byte on.
    hidden.extend(["canary-of-a-proxy", "c2VyOmNhbmFyeS1vZi1hLXByb3h5"].map(str::to_owned));

    let records = records();
    for proof in ["proof \"of tracing\"", "rustls::client"] {
        assert!(records.contains(proof), "{proof} was not recorded: nothing is");
    }
    for text in hidden.iter().filter(|text| text.len() > 3) {
        let shown: Vec<&str> = records.lines().filter(|line| line.contains(text)).collect();
        assert!(shown.is_empty(), "{text} is in {shown:?}");
    }
}
