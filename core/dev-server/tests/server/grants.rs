//! Grant types besides client credentials, and authorization details.

use serde_json::{Value, json};

use crate::client::{Answer, GRANT, Realm, get, post, start};
use crate::jwt::{claims as claims_of, patched, random, sign};

const BEARER: &str = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

fn ask(realm: &Realm<'_>, headers: &str, form: &str) -> Answer {
    realm.wire().ask(&post(realm.path(), headers, form))
}

#[track_caller]
fn refused(answer: &Answer, error: &str, reason: &str) {
    let found = answer.json();
    assert_eq!((answer.status, &found["error"]), (400, &json!(error)), "{reason}: {found}");
    let description = found["error_description"].as_str().unwrap();
    assert!(description.contains(reason), "{reason}: {description}");
}

#[test]
fn authorization_details_come_back() {
    let server = start();
    let realm = Realm::new(&server, json!({"access_token_format": "jwt"}));
    let details = json!([{"type": "payment", "amount": {"currency": "EUR", "value": 1.5}}, {"type": "b"}]);
    let encoded = details.to_string().replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
    let answer = ask(&realm, &realm.basic(), &format!("{GRANT}&authorization_details={encoded}"));
    assert_eq!(answer.json()["authorization_details"], details);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims_of(&token)["authorization_details"], details);
    assert_eq!(realm.introspect(&token)["authorization_details"], details);
    for wrong in ["x", "[]", "{%22type%22:%22a%22}", "[{}]", "[1]", "[{%22type%22:1}]"] {
        let answer = ask(&realm, &realm.basic(), &format!("{GRANT}&authorization_details={wrong}"));
        refused(&answer, "invalid_authorization_details", "JSON");
    }
    assert_eq!(realm.token().json().get("authorization_details"), None);
}

#[test]
fn grant_types_are_those_of_the_realm() {
    let server = start();
    let realm = Realm::new(&server, json!({"grant_types": ["account_credentials"]}));
    let custom = "grant_type=account_credentials&account_id=7";
    assert_eq!(ask(&realm, &realm.basic(), custom).status, 200);
    assert_eq!(ask(&realm, "", custom).status, 401);
    refused(&realm.token(), "unsupported_grant_type", "grant types");
    refused(&ask(&realm, &realm.basic(), "scope=a"), "invalid_request", "grant_type");
    let path = format!("/r/{}/.well-known/openid-configuration", realm.name);
    assert_eq!(realm.wire().ask(&get(&path)).json()["grant_types_supported"], json!(["account_credentials"]));
    let plain = Realm::new(&server, json!({}));
    refused(&ask(&plain, &plain.basic(), EXCHANGE), "unsupported_grant_type", "grant types");
    assert_eq!(ask(&plain, "", &format!("{BEARER}&assertion=a.b.c")).status, 401);
}

fn bearer_realm(server: &tokenwell_dev_server::DevServer) -> Realm<'_> {
    let grants = json!(["urn:ietf:params:oauth:grant-type:jwt-bearer"]);
    Realm::new(server, json!({"grant_types": grants, "jwks": "test"}))
}

fn grant_claims(realm: &Realm<'_>) -> Value {
    let now = realm.advance(0.0);
    json!({"iss": realm.vars["client_id"], "aud": realm.vars["token_endpoint"], "iat": now, "exp": now + 3600,
        "scope": "a b"})
}

fn bearer(realm: &Realm<'_>, header: &Value, claims: &Value, headers: &str, extra: &str) -> Answer {
    let assertion = sign(realm.var("rsa_private_key"), header, claims);
    ask(realm, headers, &format!("{BEARER}&assertion={assertion}{extra}"))
}

#[test]
fn a_jwt_is_a_grant() {
    let server = start();
    let realm = bearer_realm(&server);
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "test-rsa"});
    let answer = bearer(&realm, &header, &grant_claims(&realm), "", "");
    assert_eq!((answer.status, &answer.json()["scope"]), (200, &json!("a b")));
    let other =
        patched(&grant_claims(&realm), &json!({"sub": "user", "scope": null, "aud": realm.vars["https_issuer"]}));
    let answer = bearer(&realm, &json!({"alg": "PS256"}), &other, &realm.basic(), "&scope=c").json();
    assert_eq!(answer["scope"], "c");
    assert_eq!(realm.introspect(answer["access_token"].as_str().unwrap())["sub"], "user");

    let now = realm.advance(0.0);
    let once = json!({"jti": random()});
    assert_eq!(bearer(&realm, &header, &patched(&grant_claims(&realm), &once), "", "").status, 200);
    for (changes, reason) in [
        (once, "used before"),
        (json!({"iss": "other"}), "iss"),
        (json!({"aud": "https://other.example"}), "aud"),
        (json!({"aud": [realm.vars["token_endpoint"]]}), "JSON string"),
        (json!({"exp": null}), "exp"),
        (json!({"exp": now - 1}), "past"),
        (json!({"exp": now + 3700}), "hour"),
        (json!({"iat": now + 60}), "future"),
        (json!({"sub": 7}), "texts"),
    ] {
        let claims = patched(&grant_claims(&realm), &changes);
        refused(&bearer(&realm, &header, &claims, "", ""), "invalid_grant", reason);
    }
    for (changes, reason) in [
        (json!({"typ": "client-authentication+jwt"}), "typ"),
        (json!({"alg": "none"}), "algorithm"),
        (json!({"alg": "HS256"}), "algorithm"),
        (json!({"kid": "other"}), "no key"),
    ] {
        let answer = bearer(&realm, &patched(&header, &changes), &grant_claims(&realm), "", "");
        refused(&answer, "invalid_grant", reason);
    }
    refused(&ask(&realm, "", BEARER), "invalid_request", "assertion is missing");
    let wrong = crate::client::basic(realm.var("client_id"), "wrong");
    assert_eq!(bearer(&realm, &header, &grant_claims(&realm), &wrong, "").status, 401);
    let keyless = json!({"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]});
    assert_eq!(server.control("POST", "/realms", &keyless).0, 400);
}

#[test]
fn the_audience_of_a_grant_can_be_set() {
    let server = start();
    let grants = json!(["urn:ietf:params:oauth:grant-type:jwt-bearer"]);
    let config = json!({"grant_types": grants, "jwks": "test", "assertion_audience": "https://as.example"});
    let realm = Realm::new(&server, config);
    let header = json!({"alg": "RS256"});
    refused(&bearer(&realm, &header, &grant_claims(&realm), "", ""), "invalid_grant", "audience");
    let claims = patched(&grant_claims(&realm), &json!({"aud": "https://as.example"}));
    assert_eq!(bearer(&realm, &header, &claims, "", "").status, 200);
}

#[test]
fn tokens_are_exchanged() {
    let server = start();
    let grants = json!(["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]);
    let realm = Realm::new(&server, json!({"grant_types": grants}));
    let exchange = |form: &str| ask(&realm, &realm.basic(), &format!("{EXCHANGE}{form}"));
    let typed = |name: &str, token: &str| format!("&{name}={token}&{name}_type={ACCESS}");
    let subject = typed("subject_token", realm.var("subject_token"));
    let answer = exchange(&format!("{subject}&scope=a&audience=https://api.example"));
    assert_eq!((answer.status, &answer.json()["issued_token_type"]), (200, &json!(ACCESS)));
    let found = realm.introspect(answer.json()["access_token"].as_str().unwrap());
    assert_eq!((&found["sub"], &found["scope"]), (&json!("test-subject"), &json!("a")));
    assert_eq!((&found["aud"], found.get("act")), (&json!("https://api.example"), None));
    let actor = typed("actor_token", realm.var("actor_token"));
    let answer = exchange(&format!("{subject}{actor}&requested_token_type={ACCESS}")).json();
    let found = realm.introspect(answer["access_token"].as_str().unwrap());
    assert_eq!(found["act"], json!({"sub": "test-actor"}));
    assert_eq!(realm.report()["issued"].as_array().unwrap().len(), 2);
    let own = realm.token().json()["access_token"].as_str().unwrap().to_owned();
    let answer = exchange(&typed("subject_token", &own)).json();
    assert_eq!(realm.introspect(answer["access_token"].as_str().unwrap())["sub"], realm.vars["client_id"]);

    let untyped = format!("&subject_token={own}");
    let jwt = format!("{untyped}&subject_token_type=urn:ietf:params:oauth:token-type:jwt");
    for (form, reason) in [
        (String::new(), "missing"),
        (actor.clone(), "missing"),
        (untyped, "no type"),
        (jwt, "known"),
        (typed("subject_token", "unknown"), "unknown"),
        (format!("{subject}&actor_token={own}"), "no type"),
        (format!("{subject}&actor_token_type={ACCESS}"), "no token"),
        (format!("{subject}&requested_token_type=urn:ietf:params:oauth:token-type:saml2"), "requested"),
    ] {
        refused(&exchange(&form), "invalid_request", reason);
    }
    assert_eq!(ask(&realm, "", &format!("{EXCHANGE}{subject}")).status, 401);
    realm.advance(4000.0);
    refused(&exchange(&typed("subject_token", &own)), "invalid_request", "expired");
    assert_eq!(exchange(&subject).status, 200);
}
