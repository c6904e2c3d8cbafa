//! Each fault, byte by byte.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Realm, start};

#[test]
fn hang_never_answers_but_is_counted() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"fault": "hang"}]));
    let mut wire = realm.wire();
    wire.send(&realm.token_request());
    assert_eq!(wire.arrives_within(Duration::from_millis(300)), b"");
    let report = realm.report();
    assert_eq!(report["in_flight"], 1);
    assert_eq!(report["requests"].as_array().unwrap().len(), 1);
    assert_eq!(report["requests"][0]["status"], Value::Null);
    drop(wire);
    realm.wait_in_flight(0);
}

#[test]
fn deleting_the_realm_ends_what_hangs() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"fault": "hang"}]));
    let mut wire = realm.wire();
    wire.send(&realm.token_request());
    realm.wait_in_flight(1);
    let path = format!("/realms/{}", realm.name);
    assert_eq!(server.control("DELETE", &path, &Value::Null).0, 200);
    assert_eq!(wire.rest().unwrap(), b"");
}

#[test]
fn reset_is_a_reset_on_a_used_connection_too() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"issue": {}}, {"fault": "reset"}]));
    let mut wire = realm.wire();
    assert_eq!(wire.ask(&realm.token_request()).status, 200);
    wire.send(&realm.token_request());
    let error = wire.rest().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(realm.report()["requests"][1]["status"], Value::Null);
    assert_eq!(realm.report()["in_flight"], 0);
}

#[test]
fn close_is_an_orderly_end_without_an_answer() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"fault": "close"}]));
    let mut wire = realm.wire();
    wire.send(&realm.token_request());
    assert_eq!(wire.rest().unwrap(), b"");
    assert_eq!(realm.token().status, 200);
}

#[test]
fn slow_headers_come_byte_by_byte() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"fault": "slow_headers"}]));
    let mut wire = realm.wire();
    wire.send(&realm.token_request());
    let start = wire.arrives_within(Duration::from_millis(500));
    // Ten at 50 ms each; a busy machine may send fewer, never more.
    assert!((1..=12).contains(&start.len()), "{start:?}");
    assert!(b"HTTP/1.1 200 OK".starts_with(&start));
    drop(wire);
    realm.wait_in_flight(0);
}

#[test]
fn slow_body_comes_byte_by_byte_after_the_head() {
    let server = start();
    let script = json!([{"raw": "0123456789", "fault": "slow_body"}]);
    let realm = Realm::scripted(&server, script);
    let mut wire = realm.wire();
    let before = Instant::now();
    wire.send(&realm.token_request());
    let start = wire.arrives_within(Duration::from_millis(200));
    let start = String::from_utf8(start).unwrap();
    let (head, body) = start.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Length: 10"));
    assert!(body.len() <= 5 && "0123456789".starts_with(body), "{body}");
    let mut rest = body.to_owned();
    while rest.len() < 10 {
        let more = wire.arrives_within(Duration::from_millis(50));
        rest += std::str::from_utf8(&more).unwrap();
        assert!(before.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(rest, "0123456789");
    assert!(before.elapsed() >= Duration::from_millis(450));
    realm.wait_in_flight(0);
    // It is a whole answer in the end: the connection lives.
    assert_eq!(wire.ask(&realm.token_request()).status, 200);
}

#[test]
fn truncated_chunked_lacks_only_the_last_chunk() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"fault": "truncated_chunked"}]));
    let mut wire = realm.wire();
    wire.send(&realm.token_request());
    let wire = String::from_utf8(wire.rest().unwrap()).unwrap();
    let (head, body) = wire.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Transfer-Encoding: chunked") && !head.contains("Content-Length"));
    let (size, rest) = body.split_once("\r\n").unwrap();
    let chunk = rest.strip_suffix("\r\n").unwrap();
    assert_eq!(usize::from_str_radix(size, 16).unwrap(), chunk.len());
    let token: Value = serde_json::from_str(chunk).unwrap();
    assert_eq!(realm.report()["issued"], json!([token["access_token"]]));
}

#[test]
fn a_content_length_can_promise_too_much() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"raw": "{}", "fault": "content_length_too_long"}]));
    let mut wire = realm.wire();
    wire.send(&realm.token_request());
    let wire = String::from_utf8(wire.rest().unwrap()).unwrap();
    assert!(wire.contains("Content-Length: 12\r\n"), "{wire}");
    assert!(wire.ends_with("\r\n\r\n{}"), "{wire}");
}

#[test]
fn an_extra_response_follows_the_first() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"fault": "extra_response"}]));
    let mut wire = realm.wire();
    let first = wire.ask(&realm.token_request()).json();
    let second = wire.receive().unwrap().json();
    assert_eq!(realm.report()["issued"], json!([first["access_token"]]));
    assert_eq!(second["access_token"], "unasked");
    assert_eq!(realm.report()["total"], 1);
    assert_eq!(wire.ask(&realm.token_request()).status, 200);
}

#[test]
fn a_delayed_answer_is_in_flight_until_the_client_leaves() {
    let server = start();
    let script = json!([{"delay": 60}, {"delay": 0.3}]);
    let realm = Realm::scripted(&server, script);
    let mut wire = realm.wire();
    wire.send(&realm.token_request());
    realm.wait_in_flight(1);
    drop(wire);
    realm.wait_in_flight(0);
    assert_eq!(realm.report()["issued"], json!([]));
    let before = Instant::now();
    assert_eq!(realm.token().status, 200);
    assert!(before.elapsed() >= Duration::from_millis(300));
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"raw": "1", "delay": 0.2}, {"raw": "2"}]));
    let mut wire = realm.wire();
    wire.send(&realm.token_request().repeat(2));
    assert_eq!(wire.receive().unwrap().body, b"1");
    assert_eq!(wire.receive().unwrap().body, b"2");
}
