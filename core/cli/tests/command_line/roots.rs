//! S03, S04: whose certificates are trusted, by the variables that name the system's authorities.

use serde_json::Value;

use crate::support::{Folder, Realm, with};

/// The code of the error with these variables; empty: there was a token.
fn outcome(realm: &Value, variables: &[(&str, &str)]) -> String {
    let mut command = with(realm, &["token", "--json"]);
    command.env("TOKENWELL_TOKEN_ENDPOINT", realm["https_token_endpoint"].as_str().unwrap());
    let done: crate::support::Run = command.envs(variables.iter().copied()).output().unwrap().into();
    if done.code == 0 { String::new() } else { done.error()["code"].as_str().unwrap().to_owned() }
}

#[test]
fn s03_the_authorities_of_the_environment() {
    let realm = Realm::new(&serde_json::json!({}));
    let text = |name: &str| realm[name].as_str().unwrap();
    let (authority, other, missing) = (text("ca_file"), text("other_ca_file"), text("missing_file"));
    let folder = Folder::new();
    folder.write("5ed36f99.0", &std::fs::read_to_string(authority).unwrap());
    let directory = folder.path().to_str().unwrap();
    let broken = folder.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let (file_of, directory_of) = (|path| ("SSL_CERT_FILE", path), ("SSL_CERT_DIR", directory));
    for (variables, expected) in [
        (vec![], "tls_unknown_issuer"),
        (vec![file_of(authority)], ""),
        (vec![file_of(other)], "tls_unknown_issuer"),
        (vec![file_of(missing)], "tls_unknown_issuer"),
        (vec![file_of(&broken)], "tls_unknown_issuer"),
        (vec![directory_of], ""),
        (vec![file_of(other), directory_of], ""),
        (vec![file_of(missing), directory_of], ""),
    ] {
        assert_eq!(outcome(&realm, &variables), expected, "{variables:?}");
    }
}
