//! Revocation, and the resource that tokens are for.

use serde_json::json;

use crate::client::{Answer, GRANT, Realm, basic, get, post, split_url, start};

fn resource(realm: &Realm<'_>, authorization: &str) -> Answer {
    let path = split_url(realm.var("resource")).1;
    realm.wire().ask(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n{authorization}\r\n"))
}

fn bearer(realm: &Realm<'_>, token: &str) -> Answer {
    resource(realm, &format!("Authorization: Bearer {token}\r\n"))
}

fn invalid(answer: &Answer) {
    assert_eq!(answer.status, 401);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with(r#"Bearer error="invalid_token""#), "{challenge}");
    assert_eq!(answer.json()["error"], "invalid_token");
}

fn token(realm: &Realm<'_>, extra: &str) -> String {
    let request = post(realm.path(), &realm.basic(), &format!("{GRANT}{extra}"));
    realm.wire().ask(&request).json()["access_token"].as_str().unwrap().to_owned()
}

fn revoke(realm: &Realm<'_>, headers: &str, form: &str) -> Answer {
    let path = split_url(realm.var("revocation_endpoint")).1;
    realm.wire().ask(&post(path, headers, form))
}

#[test]
fn a_revoked_token_is_dead_everywhere() {
    let server = start();
    for format in ["opaque", "jwt"] {
        let realm = Realm::new(&server, json!({"access_token_format": format}));
        let (first, second) = (token(&realm, ""), token(&realm, ""));
        assert_eq!(bearer(&realm, &first).status, 200);
        let answer = revoke(&realm, &realm.basic(), &format!("token={first}&token_type_hint=access_token"));
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(realm.introspect(&first), json!({"active": false}));
        invalid(&bearer(&realm, &first));
        assert_eq!(bearer(&realm, &second).status, 200);
        assert_eq!(realm.report()["issued"], json!([first, second]));
    }
}

#[test]
fn revocation_is_for_the_client_and_forgiving_of_the_token() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let token = token(&realm, "");
    let form = format!("token={token}");
    for (headers, form, status) in [
        (realm.basic(), "token=unknown", 200),
        (realm.basic(), "", 400),
        (String::new(), &form, 401),
        (basic(realm.var("client_id"), "wrong"), &form, 401),
    ] {
        assert_eq!(revoke(&realm, &headers, form).status, status, "{form}");
    }
    assert_eq!(bearer(&realm, &token).status, 200);
    let path = format!("/r/{}/.well-known/openid-configuration", realm.name);
    let metadata = realm.wire().ask(&get(&path)).json();
    assert_eq!(metadata["revocation_endpoint"], realm.vars["revocation_endpoint"]);
    assert_eq!(realm.wire().ask(&get(split_url(realm.var("revocation_endpoint")).1)).status, 405);
}

#[test]
fn the_resource_is_for_good_tokens_alone() {
    let server = start();
    let (realm, other) = (Realm::new(&server, json!({"expires_in": 100})), Realm::new(&server, json!({})));
    let good = token(&realm, "&scope=a");
    let answer = bearer(&realm, &good);
    assert_eq!((answer.status, answer.json()["scope"].clone()), (200, json!("a")));
    assert_eq!(resource(&realm, &format!("authorization: bearer {good}\r\n")).status, 200);
    invalid(&bearer(&realm, "unknown"));
    invalid(&bearer(&realm, &token(&other, "")));
    invalid(&bearer(&realm, ""));
    for none in [String::new(), realm.basic(), format!("Authorization: DPoP {good}\r\n")] {
        let answer = resource(&realm, &none);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{none}");
    }
    let twice = format!("Authorization: Bearer {good}\r\n").repeat(2);
    assert_eq!(resource(&realm, &twice).status, 400);
    realm.advance(101.0);
    invalid(&bearer(&realm, &good));
}

#[test]
fn the_resource_can_ask_for_a_scope() {
    let server = start();
    let realm = Realm::new(&server, json!({"resource_scope": "read write"}));
    assert_eq!(bearer(&realm, &token(&realm, "&scope=write%20more%20read")).status, 200);
    for lacking in ["", "&scope=read", "&scope=readwrite"] {
        let answer = bearer(&realm, &token(&realm, lacking));
        assert_eq!(answer.status, 403);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        assert!(challenge.contains(r#"scope="read write""#), "{challenge}");
    }
}
