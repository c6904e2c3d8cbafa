//! The control interface over HTTP, the log, the clock and the canaries.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::client::{Answer, GRANT, Realm, Wire, get, post, split_url, start};

fn control(base: &str, method: &str, path: &str, body: &str) -> Answer {
    let (address, prefix) = split_url(base);
    let request = format!(
        "{method} {prefix}{path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Wire::open(address).ask(&request)
}

#[test]
fn realms_are_made_and_deleted_over_http() {
    let server = start();
    let base = &server.info().control;
    let made = control(base, "POST", "/realms", r#"{"client_id": "abc"}"#);
    assert_eq!(made.status, 200);
    let made = made.json();
    let name = made["realm"].as_str().unwrap();
    assert_eq!(made["vars"]["client_id"], "abc");
    let endpoint = made["vars"]["token_endpoint"].as_str().unwrap();
    let (address, path) = split_url(endpoint);
    assert_eq!(Wire::open(address).ask(&post(path, "", GRANT)).status, 401);
    let log = control(base, "GET", &format!("/realms/{name}/requests"), "");
    assert_eq!(log.json()["requests"][0]["path"], path);
    let clock = control(base, "POST", &format!("/realms/{name}/clock"), r#"{"advance": 1.5}"#);
    assert!(clock.json()["now"].is_u64());
    let script = control(base, "POST", &format!("/realms/{name}/script"), "[]");
    assert_eq!(script.json(), json!({}));
    let deleted = control(base, "DELETE", &format!("/realms/{name}"), "");
    assert_eq!((deleted.status, deleted.json()), (200, json!({})));
    assert_eq!(Wire::open(address).ask(&post(path, "", GRANT)).status, 404);
    let deleted = control(base, "DELETE", &format!("/realms/{name}"), "");
    assert_eq!(deleted.status, 404);
    let empty = control(base, "POST", "/realms", "");
    assert_eq!(empty.status, 200);
}

#[test]
fn mistakes_are_refused_with_a_reason() {
    let server = start();
    for (method, path, body, status, reason) in [
        ("POST", "/realms", json!({"scirpt": []}), 400, "scirpt"),
        ("POST", "/realms", json!({"script": [{"fault": "x"}]}), 400, "x"),
        ("POST", "/realms/root/script", json!([{"isue": {}}]), 400, "isue"),
        ("POST", "/realms/root/clock", json!({}), 400, "advance"),
        ("GET", "/realms/r99/requests", Value::Null, 404, "realm"),
        ("DELETE", "/realms/root", Value::Null, 400, "root"),
        ("PATCH", "/realms", Value::Null, 404, "control"),
    ] {
        let (found, answer) = server.control(method, path, &body);
        assert_eq!(found, status, "{method} {path} {body}");
        assert!(answer["error"].as_str().unwrap().contains(reason), "{answer}");
    }
    let junk = control(&server.info().control, "POST", "/realms", "{");
    assert_eq!(junk.status, 400);
}

#[test]
fn the_log_keeps_what_was_sent() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let target = format!("{}?a=1&b", realm.path());
    let form = "grant_type=client_credentials&resource=urn:a&resource=urn:b&x=%C3%A9+";
    let headers = format!("{}X-Two: a\r\nX-TWO: b\r\n", realm.basic());
    realm.wire().ask(&post(&target, &headers, form));
    let report = realm.report();
    let logged = &report["requests"][0];
    assert_eq!(logged["method"], "POST");
    assert_eq!(logged["path"], realm.path());
    assert_eq!(logged["query"], "a=1&b");
    assert_eq!(logged["body"], form);
    assert_eq!(logged["headers"]["x-two"], "a, b");
    assert_eq!(
        logged["form"],
        json!({"grant_type": "client_credentials", "resource": ["urn:a", "urn:b"], "x": "\u{e9} "})
    );
    let sent = realm.basic();
    let sent = sent.trim_end().strip_prefix("Authorization: ");
    assert_eq!(logged["authorization"].as_str(), sent);
    assert_eq!(logged["status"], 200);
    realm.wire().ask(&get(realm.path()));
    let last = realm.report()["requests"][1].clone();
    assert_eq!(
        [&last["query"], &last["body"], &last["authorization"], &last["form"]],
        [&json!(""), &json!(""), &Value::Null, &json!({})]
    );
}

#[test]
fn the_log_is_bounded_and_counts_on() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let mut wire = realm.wire();
    for number in 0..1010 {
        wire.ask(&get(&format!("{}?{number}", realm.path())));
    }
    let report = realm.report();
    assert_eq!(report["total"], 1010);
    let kept = report["requests"].as_array().unwrap();
    assert_eq!(kept.len(), 1000);
    assert_eq!(kept[0]["query"], "10");
    assert_eq!(kept[999]["status"], 405);
}

#[test]
fn large_bodies_push_old_ones_out() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let mut wire = realm.wire();
    let large = "a".repeat(1024 * 1024);
    for _ in 0..40 {
        assert_eq!(wire.ask(&post(realm.path(), "", &large)).status, 401);
    }
    let report = realm.report();
    assert_eq!(report["total"], 40);
    let kept = report["requests"].as_array().unwrap().len();
    assert!((1..=16).contains(&kept), "{kept}");
}

#[test]
fn the_clock_moves_the_date_of_one_realm() {
    let server = start();
    let (moved, still) = (Realm::new(&server, json!({})), Realm::new(&server, json!({})));
    let real = UNIX_EPOCH.elapsed().unwrap().as_secs();
    let now = moved.advance(1_000_000.0);
    assert!(now.abs_diff(real + 1_000_000) <= 2, "{now}");
    for (realm, expected) in [(&moved, now), (&still, real)] {
        let answer = realm.token();
        let date = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
        let date = date.duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(date.abs_diff(expected) <= 5, "{date}");
    }
    // Absurd moves stay within what a date can say.
    assert_eq!(moved.advance(1e300), 253_402_300_799);
    assert_eq!(moved.token().status, 200);
    assert_eq!(moved.advance(-1e300), 0);
    assert_eq!(moved.token().status, 200);
}

#[test]
fn canaries_count_every_request() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let other = Realm::new(&server, json!({}));
    let (address, path) = split_url(realm.var("canary"));
    assert_ne!(address, split_url(realm.var("issuer")).0);
    let mut wire = Wire::open(address);
    assert_eq!(wire.ask(&get("/any/path?x")).json()["access_token"], "canary");
    wire.ask(&post(path, "", GRANT));
    let (address, path) = split_url(realm.var("same_origin_canary"));
    assert_eq!(address, split_url(realm.var("issuer")).0);
    realm.wire().ask(&get(path));
    let report = realm.report();
    assert_eq!((&report["canary"], &report["total"]), (&json!(3), &json!(0)));
    assert_eq!(other.report()["canary"], 0);
}

#[test]
fn a_deleted_realm_leaves_no_canary_listening() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let (address, _) = split_url(realm.var("canary"));
    assert!(TcpStream::connect(address).is_ok());
    server.control("DELETE", &format!("/realms/{}", realm.name), &Value::Null);
    let refused = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        TcpStream::connect(address).is_err()
    });
    assert!(refused);
}

#[test]
fn the_server_is_on_both_loopback_addresses() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let port = split_url(realm.var("issuer")).0.rsplit_once(':').unwrap().1;
    // A machine without IPv6 has only the one.
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        let mut wire = Wire::open(&format!("[::1]:{port}"));
        assert_eq!(wire.ask(&realm.token_request()).status, 200);
    }
    assert_eq!(realm.token().status, 200);
}

#[test]
fn addresses_that_must_fail_do() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let closed = split_url(realm.var("closed_endpoint")).0;
    let error = TcpStream::connect(closed).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(!Path::new(realm.var("missing_file")).exists());
    assert!(Path::new(realm.var("ca_file")).exists());
    assert!(Path::new(realm.var("other_ca_file")).exists());
}

#[test]
fn dropping_the_server_ends_everything() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"fault": "hang"}]));
    let mut wire = realm.wire();
    wire.send(&realm.token_request());
    realm.wait_in_flight(1);
    let address = split_url(realm.var("issuer")).0.to_owned();
    let folder = Path::new(realm.var("ca_file")).parent().unwrap().to_owned();
    drop(server);
    assert!(wire.rest().is_ok_and(|rest| rest.is_empty()));
    assert!(TcpStream::connect(address).is_err());
    assert!(!folder.exists());
}
