//! What a strict token endpoint refuses.

use serde_json::json;

use crate::client::{Answer, GRANT, Realm, basic, get, post, start};

fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{}", answer.head);
    assert_eq!(answer.json()["error"], error);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn the_credential_is_checked_by_each_allowed_method() {
    let server = start();
    let realm = Realm::new(&server, json!({"client_id": "id", "client_secret": "secret"}));
    let ask = |headers: &str, extra: &str| {
        let form = format!("{GRANT}{extra}");
        realm.wire().ask(&post(realm.path(), headers, &form))
    };
    assert_eq!(ask(&basic("id", "secret"), "").status, 200);
    assert_eq!(ask(&basic("id", "secret"), "&client_id=id").status, 200);
    assert_eq!(ask("", "&client_id=id&client_secret=secret").status, 200);
    for (headers, extra) in [
        (basic("id", "Secret"), ""),
        (basic("other", "secret"), ""),
        (basic("id", ""), ""),
        ("Authorization: Basic ?\r\n".to_owned(), ""),
        ("Authorization: Bearer secret\r\n".to_owned(), ""),
        (String::new(), "&client_id=id&client_secret=wrong"),
        (String::new(), "&client_id=id&client_secret="),
        (String::new(), "&client_secret=secret"),
        (String::new(), "&client_id=id"),
        (String::new(), "&client_id=id&client_assertion=a.b.c"),
        (String::new(), ""),
    ] {
        let answer = ask(&headers, extra);
        refused(&answer, 401, "invalid_client");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
    assert_eq!(realm.report()["issued"].as_array().unwrap().len(), 3);
}

#[test]
fn exactly_one_method_is_allowed() {
    let server = start();
    let realm = Realm::new(&server, json!({"client_id": "id", "client_secret": "secret"}));
    let right = basic("id", "secret");
    for (headers, extra) in [
        (right.clone(), "&client_secret=secret"),
        (right.clone(), "&client_id=id&client_secret=secret"),
        (right.clone(), "&client_assertion=a.b.c"),
        (right.clone(), "&client_id=other"),
        (right.clone() + &right, ""),
        (String::new(), "&client_id=id&client_secret=secret&client_assertion=a.b.c"),
    ] {
        let request = post(realm.path(), &headers, &format!("{GRANT}{extra}"));
        refused(&realm.wire().ask(&request), 400, "invalid_request");
    }
}

#[test]
fn the_methods_of_a_realm_are_its_own() {
    let server = start();
    for (methods, basic_status, post_status, none_status) in [
        (json!(["client_secret_basic"]), 200, 401, 401),
        (json!(["client_secret_post"]), 401, 200, 401),
        (json!(["none"]), 401, 401, 200),
    ] {
        let realm = Realm::new(&server, json!({"auth_methods": methods}));
        let id = realm.var("client_id");
        let public = format!("{GRANT}&client_id={id}");
        let posted = format!("{public}&client_secret={}", realm.var("client_secret"));
        let ask = |form: &str| realm.wire().ask(&post(realm.path(), "", form)).status;
        assert_eq!(realm.token().status, basic_status);
        assert_eq!(ask(&posted), post_status);
        assert_eq!(ask(&public), none_status);
        assert_eq!(ask(&format!("{GRANT}&client_id=other")), 401);
    }
}

#[test]
fn basic_is_form_encoded_unless_the_realm_is_raw() {
    let server = start();
    let (id, secret) = ("a:b", "s %41+\u{e9}");
    // The identifier has no colon in the raw realm: there it could not be told from the separator.
    let form = json!({"client_id": id, "client_secret": secret});
    let raw = json!({"client_id": "ab", "client_secret": secret, "basic_encoding": "raw"});
    let (form, raw) = (Realm::new(&server, form), Realm::new(&server, raw));
    let ask = |realm: &Realm<'_>, id: &str, secret: &str| {
        let request = post(realm.path(), &basic(id, secret), GRANT);
        realm.wire().ask(&request).status
    };
    assert_eq!(ask(&form, "a%3Ab", "s%20%2541%2B%C3%A9"), 200);
    assert_eq!(ask(&form, "a%3ab", "s+%2541%2b%C3%A9"), 200);
    assert_eq!(ask(&form, "a%3Ab", secret), 401);
    assert_eq!(ask(&form, id, "s%20%2541%2B%C3%A9"), 401);
    assert_eq!(ask(&raw, "ab", secret), 200);
    assert_eq!(ask(&raw, "ab", "s%20%2541%2B%C3%A9"), 401);
}

#[test]
fn malformed_requests_are_refused() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    for (form, error) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=a&scope=a", "invalid_request"),
        ("grant_type=client_credentials&x=%zz", "invalid_request"),
        ("grant_type=client_credentials&x=%ff", "invalid_request"),
        ("grant_type=client_credentials&scope=a++b", "invalid_scope"),
        ("grant_type=client_credentials&scope=%22", "invalid_scope"),
        ("grant_type=client_credentials&resource=https://a/%23b", "invalid_target"),
        ("grant_type=client_credentials&resource=/a", "invalid_target"),
    ] {
        let request = post(realm.path(), &realm.basic(), form);
        refused(&realm.wire().ask(&request), 400, error);
    }
    let allowed = format!("{GRANT}&resource=https://a&resource=https://b&audience=c&audience=d");
    let request = post(realm.path(), &realm.basic(), &allowed);
    assert_eq!(realm.wire().ask(&request).status, 200);
}

#[test]
fn only_a_post_of_a_form_is_a_token_request() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let path = realm.path();
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let request = realm.token_request().replacen("POST", method, 1);
        let answer = realm.wire().ask(&request);
        refused(&answer, 405, "invalid_request");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    let json = realm.token_request().replace("x-www-form-urlencoded", "json");
    refused(&realm.wire().ask(&json), 400, "invalid_request");
    let charset = realm.token_request().replace("urlencoded", "urlencoded; charset=utf-8");
    assert_eq!(realm.wire().ask(&charset).status, 200);
    for query in ["client_secret=x", "client_id=x", "grant_type=x"] {
        let request = post(&format!("{path}?{query}"), &realm.basic(), GRANT);
        refused(&realm.wire().ask(&request), 400, "invalid_request");
    }
    let request = post(&format!("{path}?tenant=a"), &realm.basic(), GRANT);
    assert_eq!(realm.wire().ask(&request).status, 200);
    let elsewhere = path.replace("token", "tokens");
    assert_eq!(realm.wire().ask(&get(&elsewhere)).status, 404);
}

#[test]
fn bodies_in_chunks_and_after_continue_are_read() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let mut wire = realm.wire();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-www-form-urlencoded\r\n{}",
        realm.path(),
        realm.basic()
    );
    let chunked =
        format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n18\r\n_type=client_credentials\r\n0\r\n\r\n");
    assert_eq!(wire.ask(&chunked).status, 200);
    wire.send(&format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", GRANT.len()));
    let go_on = wire.arrives_within(std::time::Duration::from_millis(300));
    assert_eq!(go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(wire.ask(GRANT).status, 200);
    assert_eq!(realm.report()["requests"][0]["body"], GRANT);
}

#[test]
fn junk_is_refused_and_not_stored() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let path = realm.path();
    let long = "a".repeat(70_000);
    for (junk, status) in [
        ("\u{0}\u{1}\u{2}junk\r\n\r\n".to_owned(), 400),
        (format!("POST {path} HTTP/1.1\r\nX: {long}\r\n\r\n"), 431),
        (format!("POST {path} HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200)), 431),
        (format!("POST {path} HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n"), 413),
        (format!("POST {path} HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400),
        (format!("POST {path} HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400),
        (format!("POST {path} HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400),
        (format!("POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n"), 400),
    ] {
        let mut wire = realm.wire();
        wire.send(&junk);
        let answer = wire.receive().unwrap();
        assert_eq!(answer.status, status, "{:.60}", junk);
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(wire.rest().unwrap(), b"");
    }
    assert_eq!(realm.report()["total"], 0);
    assert_eq!(realm.token().status, 200);
}
