//! Scripted answers that are not faults.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::client::{GRANT, Realm, basic, post, start};

#[test]
fn issue_edits_the_real_answer_and_keeps_its_check() {
    let server = start();
    let script = json!([
        {"issue": {"expires_in": null, "extra": [1]}, "omit": ["token_type"], "status": 201},
        {"issue": {}, "status": 201}
    ]);
    let realm = Realm::scripted(&server, script);
    let answer = realm.token();
    assert_eq!(answer.status, 201);
    let members = answer.json();
    assert_eq!(members["expires_in"], Value::Null);
    assert_eq!(members["extra"], json!([1]));
    assert_eq!(members.get("token_type"), None);
    assert_eq!(realm.report()["issued"], json!([members["access_token"]]));
    let wrong = post(realm.path(), &basic("x", "y"), GRANT);
    assert_eq!(realm.wire().ask(&wrong).status, 401);
    // The script is used up.
    assert_eq!(realm.token().status, 200);
}

#[test]
fn bodies_are_what_the_script_says() {
    let server = start();
    let script = json!([
        {"json": {"error": "temporarily_unavailable"}, "status": 503},
        {"raw": "<html>", "headers": {"Content-Type": "text/html"}},
        {"raw_base64": "/wD+"},
        {"raw_prefix": "[", "raw_repeat": ["ab", 100_001], "raw_suffix": "]"},
        {"status": 500},
        {"status": 204},
    ]);
    let realm = Realm::scripted(&server, script);
    let mut wire = realm.wire();
    let mut next = || wire.ask(&realm.token_request());
    let answer = next();
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, br#"{"error":"temporarily_unavailable"}"#);
    let answer = next();
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.body, b"<html>");
    assert_eq!(next().body, [0xff, 0, 0xfe]);
    assert_eq!(next().body, format!("[{}]", "ab".repeat(100_001)).as_bytes());
    let answer = next();
    assert_eq!((answer.status, answer.body.len()), (500, 0));
    let answer = next();
    assert_eq!((answer.status, answer.header("content-length")), (204, None));
    let statuses: Vec<Value> =
        realm.report()["requests"].as_array().unwrap().iter().map(|request| request["status"].clone()).collect();
    assert_eq!(json!(statuses), json!([503, 200, 200, 200, 500, 204]));
    assert_eq!(realm.report()["issued"], json!([]));
}

#[test]
fn headers_are_added_replaced_repeated_and_left_out() {
    let server = start();
    let script = json!([
        {"headers": {"date": null, "cache-control": "max-age=1", "X-Two": ["a", "b"], "X-Number": 7}},
        {"raw": "{}", "headers": {"Content-Length": null}},
        {"raw": "{}", "headers": {"Transfer-Encoding": "chunked"}},
        {"raw": "{}", "headers": {"Connection": "close"}},
        {"location": "${same_origin_canary}"},
        {"location": "/x", "status": 307},
    ]);
    let realm = Realm::scripted(&server, script);
    let answer = realm.token();
    assert_eq!(answer.header("date"), None);
    assert_eq!(answer.header("cache-control"), Some("max-age=1"));
    assert_eq!(answer.head.matches("X-Two: ").count(), 2);
    assert_eq!(answer.header("x-number"), Some("7"));
    let answer = realm.token();
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(answer.body, b"{}");
    let mut wire = realm.wire();
    assert_eq!(wire.ask(&realm.token_request()).body, b"{}");
    assert_eq!(wire.ask(&realm.token_request()).body, b"{}");
    assert_eq!(wire.rest().unwrap(), b"");
    let answer = realm.token();
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), realm.vars["same_origin_canary"].as_str());
    assert_eq!(realm.token().status, 307);
}

#[test]
fn headers_are_padded_to_the_byte() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{}, {"pad_headers": 70_000}]));
    let plain = realm.token().head.len();
    assert_eq!(realm.token().head.len(), plain + 70_000);
}

#[test]
fn gzip_can_be_a_bomb() {
    let server = start();
    let script = json!([
        {"encoding": "gzip"},
        {"encoding": "gzip", "raw_repeat": ["0", 5_000_000]}
    ]);
    let realm = Realm::scripted(&server, script);
    let unzip = |body: &[u8]| {
        let mut plain = Vec::new();
        GzDecoder::new(body).read_to_end(&mut plain).unwrap();
        plain
    };
    let answer = realm.token();
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let token: Value = serde_json::from_slice(&unzip(&answer.body)).unwrap();
    assert_eq!(realm.report()["issued"], json!([token["access_token"]]));
    let bomb = realm.token().body;
    assert!(bomb.len() < 50_000, "{}", bomb.len());
    assert_eq!(unzip(&bomb).len(), 5_000_000);
}

#[test]
fn an_answer_is_used_as_often_as_it_says() {
    let server = start();
    let realm = Realm::scripted(&server, json!([{"status": 500, "times": 2}, {"status": 429}]));
    let statuses: Vec<u16> = (0..4).map(|_| realm.token().status).collect();
    assert_eq!(statuses, [500, 500, 429, 200]);
    let path = format!("/realms/{}/script", realm.name);
    let forever = json!([{"status": 503, "times": -1}]);
    assert_eq!(server.control("POST", &path, &forever), (200, json!({})));
    let statuses: Vec<u16> = (0..3).map(|_| realm.token().status).collect();
    assert_eq!(statuses, [503, 503, 503]);
}
