//! Tokens: issue, lifetime, introspection and metadata.

use serde_json::{Value, json};

use crate::client::{GRANT, Realm, Wire, get, post, split_url, start};

#[test]
fn a_token_is_fresh_random_and_known_as_issued() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let first = realm.token();
    assert_eq!(first.status, 200);
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("cache-control"), Some("no-store"));
    let first = first.json();
    let token = first["access_token"].as_str().unwrap();
    assert_eq!(token.len(), 43);
    assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    assert_eq!(first["token_type"], "Bearer");
    assert_eq!(first["expires_in"], 3600);
    assert_eq!(first.get("scope"), None);
    let second = realm.token().json();
    assert_ne!(first["access_token"], second["access_token"]);
    assert_eq!(realm.report()["issued"], json!([first["access_token"], second["access_token"]]));
}

#[test]
fn the_root_realm_is_the_one_that_is_printed() {
    let server = start();
    let info = server.info();
    let (address, path) = split_url(&info.token_endpoint);
    let credential = crate::client::basic(&info.client_id, &info.client_secret);
    let answer = Wire::open(address).ask(&post(path, &credential, GRANT));
    assert_eq!((answer.status, path), (200, "/token"));
    let (_, report) = server.control("GET", "/realms/root/requests", &Value::Null);
    assert_eq!(report["requests"][0]["path"], "/token");
}

#[test]
fn the_scope_is_echoed_when_asked_for() {
    let server = start();
    let realm = Realm::new(&server, json!({"expires_in": 60}));
    let form = format!("{GRANT}&scope=read%20write");
    let answer = realm.wire().ask(&post(realm.path(), &realm.basic(), &form));
    let answer = answer.json();
    assert_eq!(answer["scope"], "read write");
    assert_eq!(answer["expires_in"], 60);
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(realm.introspect(token)["scope"], "read write");
}

#[test]
fn introspection_follows_the_clock_of_the_realm() {
    let server = start();
    let realm = Realm::new(&server, json!({"expires_in": 100}));
    let token = realm.token().json()["access_token"].as_str().unwrap().to_owned();
    let found = realm.introspect(&token);
    assert_eq!(found["active"], true);
    assert_eq!(found["client_id"], realm.vars["client_id"]);
    assert_eq!(found["exp"].as_u64().unwrap() - found["iat"].as_u64().unwrap(), 100);
    realm.advance(98.0);
    assert_eq!(realm.introspect(&token)["active"], true);
    realm.advance(3.0);
    assert_eq!(realm.introspect(&token), json!({"active": false}));
    realm.advance(-50.0);
    assert_eq!(realm.introspect(&token)["active"], true);
}

#[test]
fn introspection_is_for_the_client_of_the_realm_alone() {
    let server = start();
    let (ours, theirs) = (Realm::new(&server, json!({})), Realm::new(&server, json!({})));
    let token = theirs.token().json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(ours.introspect(&token), json!({"active": false}));
    assert_eq!(ours.introspect("never-issued"), json!({"active": false}));
    let path = split_url(ours.var("introspection_endpoint")).1;
    let form = format!("token={token}");
    for (headers, form, status) in [
        (String::new(), form.as_str(), 401),
        (theirs.basic(), form.as_str(), 401),
        (ours.basic(), "", 400),
        (ours.basic(), "token=a&token=b", 400),
    ] {
        let answer = ours.wire().ask(&post(path, &headers, form));
        assert_eq!(answer.status, status, "{form}");
    }
    assert_eq!(ours.wire().ask(&get(path)).status, 405);
}

#[test]
fn a_lifetime_that_the_script_claims_is_real() {
    let server = start();
    let script = json!([{"issue": {"expires_in": "20"}}, {"issue": {"expires_in": -1}},
        {"issue": {"access_token": "fixed", "expires_in": 1e300}}]);
    let realm = Realm::scripted(&server, script);
    let tokens: Vec<String> =
        (0..3).map(|_| realm.token().json()["access_token"].as_str().unwrap().to_owned()).collect();
    assert_eq!(realm.report()["issued"], json!(tokens));
    let active = || tokens.iter().map(|token| realm.introspect(token)["active"] == true).collect::<Vec<_>>();
    assert_eq!(active(), [true, false, true]);
    realm.advance(21.0);
    assert_eq!(active(), [false, false, true]);
}

#[test]
fn metadata_is_where_the_issuer_says() {
    let server = start();
    let realm = Realm::new(&server, json!({"auth_methods": ["client_secret_post"]}));
    let root = &server.info().issuer;
    let issuer = realm.var("issuer");
    let inserted = format!("/.well-known/oauth-authorization-server/r/{}", realm.name);
    let appended = format!("/r/{}/.well-known/openid-configuration", realm.name);
    for (path, expected) in [
        ("/.well-known/oauth-authorization-server", root.as_str()),
        ("/.well-known/openid-configuration", root),
        (&inserted, issuer),
        (&appended, issuer),
    ] {
        let answer = realm.wire().ask(&get(path));
        assert_eq!(answer.status, 200, "{path}");
        let found = answer.json();
        assert_eq!(found["issuer"], expected, "{path}");
        assert_eq!(found["token_endpoint"], format!("{expected}/token"));
        assert_eq!(found["introspection_endpoint"], format!("{expected}/introspect"));
    }
    let found = realm.wire().ask(&get(&inserted)).json();
    assert_eq!(found["token_endpoint_auth_methods_supported"], json!(["client_secret_post"]));
    let wrong = format!("/r/{}/.well-known/oauth-authorization-server", realm.name);
    assert_eq!(realm.wire().ask(&get(&wrong)).status, 404);
    assert_eq!(realm.wire().ask(&post(&inserted, "", "")).status, 405);
}

#[test]
fn metadata_has_a_script_of_its_own() {
    let server = start();
    let realm = Realm::new(
        &server,
        json!({"metadata_script": [
            {"status": 404},
            {"issue": {"issuer": "https://other.invalid", "token_endpoint": "${canary}"}, "omit": ["grant_types_supported"]},
        ]}),
    );
    let path = format!("/r/{}/.well-known/openid-configuration", realm.name);
    let mut wire = realm.wire();
    assert_eq!(wire.ask(&get(&path)).status, 404);
    let changed = wire.ask(&get(&path)).json();
    assert_eq!(changed["issuer"], "https://other.invalid");
    assert_eq!(changed["token_endpoint"], realm.vars["canary"]);
    assert_eq!(changed.get("grant_types_supported"), None);
    assert_eq!(wire.ask(&get(&path)).json()["issuer"], realm.vars["issuer"]);
    assert_eq!(realm.token().status, 200);
}
