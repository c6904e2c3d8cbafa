//! Client certificates.

use std::io;

use serde_json::{Value, json};
use tokenwell_dev_server::DevServer;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio_rustls::rustls::{AlertDescription, Error};

use crate::client::{Answer, GRANT, Realm, Wire, get, post, split_url, start};
use crate::https::{TlsStream, connect_as};
use crate::jwt::{claims, sha256};

const CLIENT: [&str; 2] = ["tls_client_certificate", "tls_client_key"];
const SELF_SIGNED: [&str; 2] = ["tls_self_signed_certificate", "tls_self_signed_key"];

fn wire(realm: &Realm<'_>, url: &str, identity: Option<[&str; 2]>) -> Wire<TlsStream> {
    let identity = identity.map(|names| names.map(|name| realm.var(name)));
    Wire::new(connect_as(realm.var(url), "localhost", realm.var("ca_file"), identity).unwrap())
}

fn request(realm: &Realm<'_>) -> String {
    post(realm.path(), "", &format!("{GRANT}&client_id={}", realm.var("client_id")))
}

fn ask(realm: &Realm<'_>, identity: Option<[&str; 2]>) -> Answer {
    wire(realm, "https_token_endpoint", identity).ask(&request(realm))
}

#[track_caller]
fn refused(answer: &Answer, reason: &str) {
    assert_eq!(answer.status, 401, "{reason}");
    let description = answer.json()["error_description"].to_string();
    assert!(description.contains(reason), "{reason}: {description}");
}

fn subject_realm(server: &DevServer) -> Realm<'_> {
    let config = json!({"auth_methods": ["tls_client_auth"],
        "tls_client_auth_subject_dn": r"CN=tokenwell-test-client,O=Tokenwell\, Testing"});
    Realm::new(server, config)
}

fn registered_realm(server: &DevServer) -> Realm<'_> {
    let config = json!({"auth_methods": ["self_signed_tls_client_auth"],
        "client_certificate": "${tls_self_signed_certificate}"});
    Realm::new(server, config)
}

fn thumbprint(realm: &Realm<'_>, name: &str) -> String {
    sha256(CertificateDer::from_pem_slice(realm.var(name).as_bytes()).unwrap())
}

#[test]
fn the_subject_is_what_counts_with_an_authority() {
    let server = start();
    let realm = subject_realm(&server);
    assert_eq!(realm.vars["tls_client_auth_subject_dn"], r"CN=tokenwell-test-client,O=Tokenwell\, Testing");
    assert_eq!(ask(&realm, Some(CLIENT)).status, 200);
    refused(&ask(&realm, None), "no client certificate");
    // The same name, but signed by nobody.
    refused(&ask(&realm, Some(SELF_SIGNED)), "authority");
    refused(&realm.wire().ask(&request(&realm)), "no client certificate");
    let other = post(realm.path(), "", &format!("{GRANT}&client_id=other"));
    refused(&wire(&realm, "https_token_endpoint", Some(CLIENT)).ask(&other), "client");
    let nameless = post(realm.path(), "", GRANT);
    refused(&wire(&realm, "https_token_endpoint", Some(CLIENT)).ask(&nameless), "missing");
    refused(&wire(&realm, "https_token_endpoint", Some(CLIENT)).ask(&realm.token_request()), "method");
    let config = json!({"auth_methods": ["tls_client_auth"], "tls_client_auth_subject_dn": "CN=tokenwell-test-client"});
    refused(&ask(&Realm::new(&server, config), Some(CLIENT)), "subject");
}

#[test]
fn the_very_certificate_is_what_counts_without() {
    let server = start();
    let realm = registered_realm(&server);
    assert_eq!(ask(&realm, Some(SELF_SIGNED)).status, 200);
    refused(&ask(&realm, Some(CLIENT)), "registered");
    refused(&ask(&realm, None), "no client certificate");
    let first = realm.var("ec_certificate");
    let x5t = sha256(CertificateDer::from_pem_slice(first.as_bytes()).unwrap());
    let jwk = crate::jwt::patched(&crate::jwt::public_jwk(realm.var("ec_private_key_jwk")), &json!({"x5t#S256": x5t}));
    let config = json!({"auth_methods": ["self_signed_tls_client_auth"], "jwks": {"keys": [jwk]}});
    let by_key = Realm::new(&server, config);
    assert_eq!(ask(&by_key, Some(["ec_certificate", "ec_private_key"])).status, 200);
    refused(&ask(&by_key, Some(SELF_SIGNED)), "registered");
    for wrong in [
        json!({"auth_methods": ["tls_client_auth"]}),
        json!({"auth_methods": ["self_signed_tls_client_auth"]}),
        json!({"client_certificate": "x"}),
    ] {
        assert_eq!(server.control("POST", "/realms", &wrong).0, 400, "{wrong}");
    }
}

fn alert(outcome: io::Result<Answer>) -> AlertDescription {
    match outcome.unwrap_err().downcast::<Error>() {
        Ok(Error::AlertReceived(alert)) => alert,
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_port_requires_a_certificate() {
    let server = start();
    let realm = subject_realm(&server);
    for path in ["/.well-known/oauth-authorization-server/r/NAME", "/r/NAME/.well-known/openid-configuration"] {
        let metadata = realm.wire().ask(&get(&path.replace("NAME", &realm.name))).json();
        for name in ["token_endpoint", "introspection_endpoint", "revocation_endpoint"] {
            assert_eq!(metadata["mtls_endpoint_aliases"][name], realm.vars[format!("mtls_{name}")]);
        }
        assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    }
    assert_ne!(realm.vars["mtls_token_endpoint"], realm.vars["https_token_endpoint"]);
    assert_eq!(wire(&realm, "mtls_token_endpoint", Some(CLIENT)).ask(&request(&realm)).status, 200);
    refused(&wire(&realm, "mtls_token_endpoint", Some(SELF_SIGNED)).ask(&request(&realm)), "authority");
    let mut without = wire(&realm, "mtls_token_endpoint", None);
    assert_eq!(alert(without.receive()), AlertDescription::CertificateRequired);
    // A key that is not that of the certificate.
    for url in ["mtls_token_endpoint", "https_token_endpoint"] {
        let mut other = wire(&realm, url, Some(["tls_client_certificate", "tls_other_key"]));
        assert_eq!(alert(other.receive()), AlertDescription::DecryptError);
    }
    assert_eq!(realm.report()["issued"].as_array().unwrap().len(), 1);
    let plain = Realm::new(&server, json!({}));
    let path = format!("/r/{}/.well-known/openid-configuration", plain.name);
    assert_eq!(plain.wire().ask(&get(&path)).json().get("mtls_endpoint_aliases"), None);
}

#[test]
fn tokens_are_bound_to_the_certificate() {
    let server = start();
    let config = json!({"access_token_format": "jwt", "auth_methods": ["self_signed_tls_client_auth"],
        "client_certificate": "${tls_self_signed_certificate}"});
    let realm = Realm::new(&server, config);
    let token = ask(&realm, Some(SELF_SIGNED)).json()["access_token"].as_str().unwrap().to_owned();
    let cnf = json!({"x5t#S256": thumbprint(&realm, "tls_self_signed_certificate")});
    assert_eq!(claims(&token)["cnf"], cnf);
    assert_eq!(claims(&token)["iss"], realm.vars["https_issuer"]);
    let path = split_url(realm.var("introspection_endpoint")).1;
    let form = format!("token={token}&client_id={}", realm.var("client_id"));
    let introspected = wire(&realm, "mtls_introspection_endpoint", Some(SELF_SIGNED)).ask(&post(path, "", &form));
    assert_eq!(introspected.json()["cnf"], cnf);
    let path = split_url(realm.var("resource")).1;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\r\n");
    assert_eq!(wire(&realm, "https_resource", Some(SELF_SIGNED)).ask(&request).status, 200);
    assert_eq!(wire(&realm, "mtls_resource", Some(SELF_SIGNED)).ask(&request).status, 200);
    for answer in [
        wire(&realm, "mtls_resource", Some(CLIENT)).ask(&request),
        wire(&realm, "https_resource", None).ask(&request),
        realm.wire().ask(&request),
    ] {
        assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_token")));
    }
}

#[test]
fn a_certificate_beside_another_method_binds_as_well() {
    let server = start();
    let realm = Realm::new(&server, json!({}));
    let answer = wire(&realm, "https_token_endpoint", Some(CLIENT)).ask(&realm.token_request());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let found = realm.introspect(&token);
    assert_eq!(found["cnf"]["x5t#S256"], thumbprint(&realm, "tls_client_certificate"));
    assert_eq!(ask(&realm, None).status, 401);
    assert_eq!(realm.introspect(realm.token().json()["access_token"].as_str().unwrap()).get("cnf"), None::<&Value>);
    for (name, file) in CLIENT.iter().zip(["tls_client_certificate_file", "tls_client_key_file"]) {
        assert_eq!(std::fs::read_to_string(realm.var(file)).unwrap(), realm.var(name));
    }
}
