//! Client authentication by signed JWTs.

use serde_json::{Value, json};

use crate::client::{Answer, GRANT, Realm, basic, get, post, split_url, start};
use crate::jwt::{assertion_header, patched, random, sign, sign_as};

const TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
const KEYS: [(&str, &str); 5] = [
    ("RS256", "rsa_private_key"),
    ("PS256", "rsa_private_key"),
    ("ES256", "ec_private_key"),
    ("ES384", "ec384_private_key"),
    ("EdDSA", "ed25519_private_key"),
];

pub fn claims(realm: &Realm<'_>) -> Value {
    let now = realm.advance(0.0);
    json!({"iss": realm.vars["client_id"], "sub": realm.vars["client_id"], "aud": realm.vars["issuer"],
        "iat": now - 2, "nbf": now - 2, "exp": now + 60, "jti": random()})
}

fn send(realm: &Realm<'_>, assertion: &str, extra: &str) -> Answer {
    let form = format!("{GRANT}&client_assertion_type={TYPE}&client_assertion={assertion}{extra}");
    realm.wire().ask(&post(realm.path(), "", &form))
}

#[track_caller]
fn refused(answer: &Answer, reason: &str) {
    assert_eq!(answer.status, 401, "{reason}: {}", String::from_utf8_lossy(&answer.body));
    let found = answer.json();
    assert_eq!(found["error"], "invalid_client");
    let description = found["error_description"].as_str().unwrap();
    assert!(description.contains(reason), "{reason}: {description}");
}

fn key_realm(server: &tokenwell_dev_server::DevServer) -> Realm<'_> {
    Realm::new(server, json!({"auth_methods": ["private_key_jwt"], "jwks": "test"}))
}

#[test]
fn every_algorithm_is_accepted_with_its_own_key_alone() {
    let server = start();
    let realm = key_realm(&server);
    for (alg, key) in KEYS {
        let assertion = sign(realm.var(key), &assertion_header(alg), &claims(&realm));
        assert_eq!(send(&realm, &assertion, "").status, 200, "{alg}");
        let id = format!("&client_id={}", realm.var("client_id"));
        let assertion = sign(realm.var(key), &assertion_header(alg), &claims(&realm));
        assert_eq!(send(&realm, &assertion, &id).status, 200, "{alg}");
        for (other, _) in KEYS.iter().filter(|(other, _)| *other != alg) {
            let assertion = sign_as(alg, realm.var(key), &assertion_header(other), &claims(&realm));
            let found = send(&realm, &assertion, "");
            refused(&found, "signature");
        }
    }
}

#[test]
fn the_key_is_found_by_kid_and_certificate() {
    let server = start();
    let realm = key_realm(&server);
    let ask = |changes: Value| {
        let header = patched(&assertion_header("ES256"), &changes);
        send(&realm, &sign(realm.var("ec_private_key"), &header, &claims(&realm)), "")
    };
    assert_eq!(ask(json!({"kid": "test-ec"})).status, 200);
    refused(&ask(json!({"kid": "test-rsa"})), "does not belong");
    refused(&ask(json!({"kid": "other"})), "no key");
    refused(&ask(json!({"x5t#S256": "AAAA"})), "no key");
    refused(&ask(json!({"crit": ["b64"]})), "crit");
    let certificate = crate::jwt::sha256(certificate_der(realm.var("ec_certificate")));
    assert_eq!(ask(json!({"x5t#S256": certificate})).status, 200);
}

fn certificate_der(pem: &str) -> Vec<u8> {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

#[test]
fn keys_are_registered_as_jwk_and_as_pem() {
    let server = start();
    for (config, alg, key) in [
        (json!({"client_public_key": "${ec_public_key}"}), "ES256", "ec_private_key"),
        (json!({"client_public_key": "${ec_certificate}"}), "ES256", "ec_private_key"),
        (json!({"client_public_key": "${rsa_public_key}"}), "PS256", "rsa_private_key"),
    ] {
        let realm = Realm::new(&server, patched(&config, &json!({"auth_methods": ["private_key_jwt"]})));
        let assertion = sign(realm.var(key), &assertion_header(alg), &claims(&realm));
        assert_eq!(send(&realm, &assertion, "").status, 200, "{config}");
        let assertion = sign(realm.var("ec384_private_key"), &assertion_header("ES384"), &claims(&realm));
        refused(&send(&realm, &assertion, ""), "does not belong");
    }
    let first = key_realm(&server);
    let jwk = crate::jwt::public_jwk(first.var("rsa_private_key_jwk"));
    let bound = patched(&jwk, &json!({"alg": "PS256", "kid": "one"}));
    let realm = Realm::new(&server, json!({"auth_methods": ["private_key_jwt"], "jwks": {"keys": [bound]}}));
    for (alg, status) in [("PS256", 200), ("RS256", 401)] {
        let assertion = sign(realm.var("rsa_private_key"), &assertion_header(alg), &claims(&realm));
        assert_eq!(send(&realm, &assertion, "").status, status);
    }
    for wrong in [
        json!({"auth_methods": ["private_key_jwt"]}),
        json!({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}),
        json!({"jwks": "tests"}),
        json!({"client_public_key": "x"}),
        json!({"jwks": {"keys": [serde_json::from_str::<Value>(first.var("ec_private_key_jwk")).unwrap()]}}),
    ] {
        assert_eq!(server.control("POST", "/realms", &wrong).0, 400, "{wrong}");
    }
}

#[test]
fn none_and_macs_never_pass_for_signatures() {
    let server = start();
    let realm = Realm::new(
        &server,
        json!({"auth_methods": ["private_key_jwt", "client_secret_jwt"], "client_public_key": "${rsa_public_key}"}),
    );
    for (alg, key, reason) in [
        ("none", "", "none"),
        ("None", "", "none"),
        ("HS256", realm.var("rsa_public_key"), "MAC is wrong"),
        ("HS256", "", "MAC is wrong"),
        ("HS512", realm.var("client_secret"), "only HS256"),
        ("RS512", "", "does not belong"),
        ("", "", "does not belong"),
    ] {
        let assertion = sign(key, &assertion_header(alg), &claims(&realm));
        refused(&send(&realm, &assertion, ""), reason);
    }
    let by_secret = || sign(realm.var("client_secret"), &assertion_header("HS256"), &claims(&realm));
    assert_eq!(send(&realm, &by_secret(), "").status, 200);
    let realm = key_realm(&server);
    let assertion = sign(realm.var("client_secret"), &assertion_header("HS256"), &claims(&realm));
    refused(&send(&realm, &assertion, ""), "client_secret_jwt");
}

#[test]
fn a_secret_signs_where_that_is_allowed() {
    let server = start();
    let realm = Realm::new(&server, json!({"auth_methods": ["client_secret_jwt"]}));
    let ask = |key: &str, claims: &Value| send(&realm, &sign(key, &assertion_header("HS256"), claims), "");
    assert_eq!(ask(realm.var("client_secret"), &claims(&realm)).status, 200);
    refused(&ask("wrong", &claims(&realm)), "MAC is wrong");
    let assertion = sign(realm.var("ec_private_key"), &assertion_header("ES256"), &claims(&realm));
    refused(&send(&realm, &assertion, ""), "private_key_jwt");
    assert_eq!(realm.wire().ask(&realm.token_request()).status, 401);
}

#[test]
fn every_claim_is_checked() {
    let server = start();
    let realm = key_realm(&server);
    let now = realm.advance(0.0);
    for (changes, reason) in [
        (json!({"iss": "other"}), "iss"),
        (json!({"iss": null}), "iss"),
        (json!({"sub": "other"}), "sub"),
        (json!({"sub": null}), "sub"),
        (json!({"aud": null}), "aud is missing"),
        (json!({"aud": [realm.vars["issuer"]]}), "JSON string"),
        (json!({"aud": realm.vars["token_endpoint"]}), "issuer"),
        (json!({"aud": format!("{}/", realm.var("issuer"))}), "issuer"),
        (json!({"exp": null}), "exp is missing"),
        (json!({"exp": (now + 30).to_string()}), "numbers"),
        (json!({"exp": now - 1}), "past"),
        (json!({"exp": now + 90}), "60 seconds"),
        (json!({"iat": now + 30}), "future"),
        (json!({"nbf": now + 30}), "future"),
        (json!({"iat": now - 120}), "long ago"),
        (json!({"jti": null}), "jti"),
        (json!({"jti": ""}), "jti"),
        (json!({"jti": 7}), "jti"),
    ] {
        let claims = patched(&claims(&realm), &changes);
        let assertion = sign(realm.var("ec_private_key"), &assertion_header("ES256"), &claims);
        refused(&send(&realm, &assertion, ""), reason);
    }
    for changes in [
        json!({"aud": realm.vars["https_issuer"]}),
        json!({"iat": null, "nbf": null}),
        json!({"iat": now + 5, "exp": now as f64 + 30.5}),
    ] {
        let claims = patched(&claims(&realm), &changes);
        let assertion = sign(realm.var("ec_private_key"), &assertion_header("ES256"), &claims);
        assert_eq!(send(&realm, &assertion, "").status, 200, "{changes}");
    }
}

#[test]
fn the_type_is_checked_in_the_form_and_in_the_header() {
    let server = start();
    let realm = key_realm(&server);
    let assertion = |typ: Value| {
        let header = patched(&assertion_header("ES256"), &json!({"typ": typ}));
        sign(realm.var("ec_private_key"), &header, &claims(&realm))
    };
    for typ in [json!("JWT"), json!("Client-Authentication+jwt"), Value::Null] {
        refused(&send(&realm, &assertion(typ), ""), "typ");
    }
    let good = json!("client-authentication+jwt");
    for wrong in ["", "&client_assertion_type=", "&client_assertion_type=urn:ietf:params:oauth:grant-type:jwt-bearer"] {
        let form = format!("{GRANT}&client_assertion={}{wrong}", assertion(good.clone()));
        refused(&realm.wire().ask(&post(realm.path(), "", &form)), "client_assertion_type");
    }
    for (setting, typ) in [(json!("JWT"), json!("JWT")), (Value::Null, json!("x")), (Value::Null, Value::Null)] {
        let config = json!({"auth_methods": ["private_key_jwt"], "jwks": "test", "assertion_type": setting});
        let realm = Realm::new(&server, config);
        let header = patched(&assertion_header("ES256"), &json!({"typ": typ}));
        let assertion = sign(realm.var("ec_private_key"), &header, &claims(&realm));
        assert_eq!(send(&realm, &assertion, "").status, 200, "{setting}");
    }
    for junk in ["a", "a.b", "a.b.c", "e30.e30.", "e30=.e30.AA"] {
        assert_eq!(send(&realm, junk, "").status, 401, "{junk}");
    }
}

#[test]
fn an_assertion_is_good_once() {
    let server = start();
    let realm = key_realm(&server);
    let claims = claims(&realm);
    let assertion = || sign(realm.var("ec_private_key"), &assertion_header("ES256"), &claims);
    let other_id = send(&realm, &assertion(), "&client_id=other");
    refused(&other_id, "client_id");
    assert_eq!(send(&realm, &assertion(), "").status, 200);
    refused(&send(&realm, &assertion(), ""), "used before");
    let path = split_url(realm.var("introspection_endpoint")).1;
    let form = format!("token=x&client_assertion_type={TYPE}&client_assertion={}", assertion());
    refused(&realm.wire().ask(&post(path, "", &form)), "used before");
}

#[test]
fn a_second_method_is_refused() {
    let server = start();
    let realm = Realm::new(
        &server,
        json!({"auth_methods": ["private_key_jwt", "client_secret_basic", "client_secret_post", "none"], "jwks": "test"}),
    );
    let assertion = sign(realm.var("ec_private_key"), &assertion_header("ES256"), &claims(&realm));
    let with = format!("{GRANT}&client_assertion_type={TYPE}&client_assertion={assertion}");
    let secret = format!("&client_secret={}", realm.var("client_secret"));
    let credential = basic(realm.var("client_id"), realm.var("client_secret"));
    for (headers, form) in [
        (credential.as_str(), with.clone()),
        ("", format!("{with}{secret}")),
        (&credential, format!("{GRANT}&client_assertion_type={TYPE}")),
        ("", format!("{with}&client_assertion={assertion}")),
    ] {
        let answer = realm.wire().ask(&post(realm.path(), headers, &form));
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_request")), "{form}");
    }
    assert_eq!(realm.wire().ask(&post(realm.path(), "", &with)).status, 200);
}

#[test]
fn the_audience_and_the_algorithm_can_be_set() {
    let server = start();
    let config = json!({"auth_methods": ["private_key_jwt"], "jwks": "test",
        "assertion_audience": "https://as.example/token", "token_endpoint_auth_signing_alg": "PS256"});
    let realm = Realm::new(&server, config);
    for (alg, key, aud, status) in [
        ("PS256", "rsa_private_key", json!("https://as.example/token"), 200),
        ("PS256", "rsa_private_key", realm.vars["issuer"].clone(), 401),
        ("ES256", "ec_private_key", json!("https://as.example/token"), 401),
    ] {
        let claims = patched(&claims(&realm), &json!({"aud": aud}));
        let assertion = sign(realm.var(key), &assertion_header(alg), &claims);
        assert_eq!(send(&realm, &assertion, "").status, status, "{alg} {aud}");
    }
    let path = format!("/.well-known/oauth-authorization-server/r/{}", realm.name);
    let metadata = realm.wire().ask(&get(&path)).json();
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    assert_eq!(metadata["token_endpoint_auth_signing_alg_values_supported"], json!(["PS256"]));
}

#[test]
fn a_server_whose_clock_is_off_says_so_in_its_date() {
    let server = start();
    let ours = Realm::new(&server, json!({})).advance(0.0);
    let config = json!({"auth_methods": ["private_key_jwt"], "jwks": "test", "clock_offset": -600});
    let realm = Realm::new(&server, config);
    let claims = |now: u64| patched(&claims(&realm), &json!({"iat": now, "nbf": null, "exp": now + 60}));
    let ask = |now: u64| send(&realm, &sign(realm.var("ec_private_key"), &assertion_header("ES256"), &claims(now)), "");
    let answer = ask(ours);
    refused(&answer, "60 seconds");
    let date = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
    let date = date.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(date.abs_diff(ours - 600) < 5);
    assert_eq!(ask(date).status, 200);
    let token = ask(realm.advance(0.0)).json()["access_token"].as_str().unwrap().to_owned();
    realm.advance(3601.0);
    assert!(realm.report()["issued"].as_array().unwrap().contains(&token.into()));
}
