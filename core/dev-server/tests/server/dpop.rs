//! Proofs of possession.

use serde_json::{Value, json};

use crate::client::{Answer, GRANT, Realm, get, post, split_url, start};
use crate::jwt::{claims as claims_of, encode, patched, public_jwk, random, sha256, sign, thumbprint};

/// The URLs as the test client calls them: its Host header is `test`.
fn url(realm: &Realm<'_>, name: &str) -> String {
    format!("http://test{}", split_url(realm.var(name)).1)
}

struct Proof {
    header: Value,
    claims: Value,
}

impl Proof {
    fn new(realm: &Realm<'_>, method: &str, name: &str) -> Proof {
        Proof {
            header: json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": public_jwk(realm.var("ec_private_key_jwk"))}),
            claims: json!({"jti": random(), "htm": method, "htu": url(realm, name), "iat": realm.advance(0.0)}),
        }
    }

    fn with(mut self, changes: Value) -> Proof {
        self.claims = patched(&self.claims, &changes);
        self
    }

    fn with_header(mut self, changes: Value) -> Proof {
        self.header = patched(&self.header, &changes);
        self
    }

    fn signed(&self, key: &str) -> String {
        format!("DPoP: {}\r\n", sign(key, &self.header, &self.claims))
    }
}

fn ask(realm: &Realm<'_>, proof: &str) -> Answer {
    let headers = format!("{}{proof}", realm.basic());
    realm.wire().ask(&post(realm.path(), &headers, GRANT))
}

fn send(realm: &Realm<'_>, proof: &Proof) -> Answer {
    ask(realm, &proof.signed(realm.var("ec_private_key")))
}

fn token_proof(realm: &Realm<'_>) -> Proof {
    Proof::new(realm, "POST", "token_endpoint")
}

#[track_caller]
fn refused(answer: &Answer, reason: &str) {
    let found = answer.json();
    assert_eq!((answer.status, &found["error"]), (400, &json!("invalid_dpop_proof")), "{reason}: {found}");
    let description = found["error_description"].as_str().unwrap();
    assert!(description.contains(reason), "{reason}: {description}");
}

#[test]
fn a_token_is_bound_to_the_key_of_the_proof() {
    let server = start();
    for mode in ["optional", "required"] {
        let realm = Realm::new(&server, json!({"dpop": mode, "access_token_format": "jwt"}));
        let answer = send(&realm, &token_proof(&realm)).json();
        assert_eq!(answer["token_type"], "DPoP");
        let token = answer["access_token"].as_str().unwrap();
        let jkt = thumbprint(&public_jwk(realm.var("ec_private_key_jwk")));
        assert_eq!(claims_of(token)["cnf"], json!({"jkt": jkt}));
        let found = realm.introspect(token);
        assert_eq!((&found["token_type"], &found["cnf"]["jkt"]), (&json!("DPoP"), &json!(jkt)));
        for (key, name, alg) in [
            ("rsa", "rsa_private_key", "PS256"),
            ("ed25519", "ed25519_private_key", "EdDSA"),
            ("ec384", "ec384_private_key", "ES384"),
        ] {
            let jwk = public_jwk(realm.var(&format!("{key}_private_key_jwk")));
            let proof = token_proof(&realm).with_header(json!({"alg": alg, "jwk": jwk}));
            assert_eq!(ask(&realm, &proof.signed(realm.var(name))).status, 200, "{alg}");
        }
        let metadata = format!("/r/{}/.well-known/openid-configuration", realm.name);
        let metadata = realm.wire().ask(&get(&metadata)).json();
        assert!(metadata["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("ES256")));
    }
}

#[test]
fn a_proof_can_be_off_optional_or_required() {
    let server = start();
    let off = Realm::new(&server, json!({}));
    assert_eq!(ask(&off, "DPoP: junk\r\n").json()["token_type"], "Bearer");
    let optional = Realm::new(&server, json!({"dpop": "optional"}));
    assert_eq!(ask(&optional, "").json()["token_type"], "Bearer");
    refused(&ask(&optional, "DPoP: junk\r\n"), "JWT");
    let required = Realm::new(&server, json!({"dpop": "required"}));
    refused(&ask(&required, ""), "missing");
    let twice = token_proof(&required).signed(required.var("ec_private_key"));
    refused(&ask(&required, &twice.repeat(2)), "repeated");
    assert_eq!(server.control("POST", "/realms", &json!({"dpop": true})).0, 400);
}

#[test]
fn every_part_of_a_proof_is_checked() {
    let server = start();
    let realm = Realm::new(&server, json!({"dpop": "required"}));
    let now = realm.advance(0.0);
    let endpoint = url(&realm, "token_endpoint");
    for (changes, reason) in [
        (json!({"jti": null}), "jti"),
        (json!({"jti": ""}), "jti"),
        (json!({"htm": "GET"}), "htm"),
        (json!({"htm": "post"}), "htm"),
        (json!({"htm": null}), "htm"),
        (json!({"htu": null}), "htu"),
        (json!({"htu": url(&realm, "resource")}), "htu"),
        (json!({"htu": endpoint.replace("http:", "https:")}), "htu"),
        (json!({"htu": format!("{endpoint}?")}), "query"),
        (json!({"htu": format!("{endpoint}#a")}), "fragment"),
        (json!({"iat": null}), "iat"),
        (json!({"iat": now.to_string()}), "iat"),
        (json!({"iat": now + 60}), "future"),
        (json!({"iat": now - 90}), "long ago"),
    ] {
        refused(&send(&realm, &token_proof(&realm).with(changes)), reason);
    }
    let private: Value = serde_json::from_str(realm.var("ec_private_key_jwk")).unwrap();
    for (changes, reason) in [
        (json!({"typ": "JWT"}), "typ"),
        (json!({"typ": null}), "typ"),
        (json!({"jwk": null}), "jwk"),
        (json!({"jwk": private}), "private"),
        (json!({"jwk": {"kty": "oct", "k": encode("secret")}}), "jwk"),
        (json!({"jwk": public_jwk(realm.var("rsa_private_key_jwk"))}), "algorithm"),
        (json!({"crit": ["x"]}), "crit"),
    ] {
        refused(&send(&realm, &token_proof(&realm).with_header(changes)), reason);
    }
    for alg in ["none", "HS256"] {
        refused(&send(&realm, &token_proof(&realm).with_header(json!({"alg": alg}))), "algorithm");
    }
    let other = token_proof(&realm).with_header(json!({"alg": "EdDSA"}));
    refused(&ask(&realm, &other.signed(realm.var("ed25519_private_key"))), "algorithm");
    let mut forged = token_proof(&realm).signed(realm.var("ec_private_key"));
    let last = forged.trim_end().rfind('.').unwrap();
    forged.replace_range(last + 1..last + 5, "AAAA");
    refused(&ask(&realm, &forged), "signature");
    let proof = token_proof(&realm).with(json!({"iat": now - 30}));
    assert_eq!(send(&realm, &proof).status, 200);
    refused(&send(&realm, &proof), "used before");
}

#[test]
fn the_clock_of_the_realm_judges_a_proof() {
    let server = start();
    let real = Realm::new(&server, json!({})).advance(0.0);
    let realm = Realm::new(&server, json!({"dpop": "required", "clock_offset": 300}));
    refused(&send(&realm, &token_proof(&realm).with(json!({"iat": real}))), "long ago");
    assert_eq!(send(&realm, &token_proof(&realm)).status, 200);
}

fn resource(realm: &Realm<'_>, authorization: &str, proof: &str) -> Answer {
    let path = split_url(realm.var("resource")).1;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: {authorization}\r\n{proof}\r\n");
    realm.wire().ask(&request)
}

fn resource_proof(realm: &Realm<'_>, token: &str) -> Proof {
    Proof::new(realm, "GET", "resource").with(json!({"ath": sha256(token)}))
}

#[track_caller]
fn challenged(answer: &Answer, error: &str) {
    let challenge = answer.header("www-authenticate").unwrap();
    assert_eq!(answer.status, 401, "{challenge}");
    assert!(challenge.starts_with(&format!("DPoP error=\"{error}\"")), "{error}: {challenge}");
    assert!(challenge.contains("algs=\"RS256 "), "{challenge}");
}

#[test]
fn the_resource_wants_a_proof_for_this_token_by_this_key() {
    let server = start();
    let realm = Realm::new(&server, json!({"dpop": "optional"}));
    let key = realm.var("ec_private_key");
    let token = send(&realm, &token_proof(&realm)).json()["access_token"].as_str().unwrap().to_owned();
    let bearer = realm.token().json()["access_token"].as_str().unwrap().to_owned();
    let bound = format!("DPoP {token}");
    let proof = || resource_proof(&realm, &token);
    assert_eq!(resource(&realm, &bound, &proof().signed(key)).status, 200);
    assert_eq!(resource(&realm, &format!("Bearer {bearer}"), "").status, 200);
    challenged(&resource(&realm, &bound, ""), "invalid_dpop_proof");
    for changes in [
        json!({"ath": null}),
        json!({"ath": sha256("other")}),
        json!({"htm": "POST"}),
        json!({"htu": url(&realm, "token_endpoint")}),
    ] {
        challenged(&resource(&realm, &bound, &proof().with(changes).signed(key)), "invalid_dpop_proof");
    }
    let replayed = proof().signed(key);
    assert_eq!(resource(&realm, &bound, &replayed).status, 200);
    challenged(&resource(&realm, &bound, &replayed), "invalid_dpop_proof");
    challenged(&resource(&realm, &format!("Bearer {token}"), &proof().signed(key)), "invalid_token");
    challenged(&resource(&realm, &format!("Bearer {token}"), ""), "invalid_token");
    let wrong = format!("DPoP {bearer}");
    challenged(&resource(&realm, &wrong, &resource_proof(&realm, &bearer).signed(key)), "invalid_token");
    let jwk = public_jwk(realm.var("ed25519_private_key_jwk"));
    let other = proof().with_header(json!({"alg": "EdDSA", "jwk": jwk}));
    challenged(&resource(&realm, &bound, &other.signed(realm.var("ed25519_private_key"))), "invalid_token");
    let unknown = resource_proof(&realm, "unknown").signed(key);
    challenged(&resource(&realm, "DPoP unknown", &unknown), "invalid_token");
}

#[test]
fn nonces_are_asked_for_and_rotate() {
    let server = start();
    let realm = Realm::new(&server, json!({"dpop": "required", "dpop_nonce": true}));
    let nonce_of = |answer: &Answer| answer.header("dpop-nonce").unwrap().to_owned();
    let try_with = |nonce: &Value| send(&realm, &token_proof(&realm).with(json!({"nonce": nonce})));
    let asked = |answer: &Answer| {
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("use_dpop_nonce")));
        json!(nonce_of(answer))
    };
    let first = asked(&try_with(&Value::Null));
    assert_eq!(asked(&try_with(&json!("wrong"))), first);
    let proof = token_proof(&realm);
    asked(&send(&realm, &proof));
    refused(&send(&realm, &proof), "used before");

    let answer = try_with(&first);
    assert_eq!(answer.status, 200);
    let second = json!(nonce_of(&answer));
    assert_ne!(first, second);
    let answer = try_with(&second);
    assert_eq!(answer.status, 200);
    let third = json!(nonce_of(&answer));
    assert_eq!(asked(&try_with(&first)), third);
    realm.advance(301.0);
    let fourth = asked(&try_with(&third));
    assert_ne!(third, fourth);

    let answer = try_with(&fourth).json();
    let token = answer["access_token"].as_str().unwrap();
    let key = realm.var("ec_private_key");
    let without = resource(&realm, &format!("DPoP {token}"), &resource_proof(&realm, token).signed(key));
    challenged(&without, "use_dpop_nonce");
    let proof = resource_proof(&realm, token).with(json!({"nonce": nonce_of(&without)}));
    let answer = resource(&realm, &format!("DPoP {token}"), &proof.signed(key));
    assert_eq!(answer.status, 200);
    assert_ne!(nonce_of(&answer), nonce_of(&without));
}
