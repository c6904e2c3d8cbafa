//! Authorization server metadata (RFC 8414).

use serde_json::{Map, Value, json};

use crate::client_auth::AuthMethod;
use crate::dpop::Mode;
use crate::http::Request;
use crate::jose::jwk::ALGORITHMS;
use crate::realm::Realm;
use crate::response::Response;
use crate::script::Edits;

/// The metadata of the realm, with endpoints of the scheme by which it was asked.
pub(crate) fn respond(realm: &Realm, request: &Request, edits: Edits<'_>) -> Response {
    if let Some(refusal) = refuse_method(request) {
        return refusal;
    }
    let variable = |name: &str| {
        let name = format!("{}{name}", if request.peer.https { "https_" } else { "" });
        realm.vars.get(&name).cloned().unwrap_or_default()
    };
    let methods: Vec<&str> = realm.settings.auth_methods.iter().map(|m| m.name()).collect();
    let mut members = Map::new();
    for name in ["issuer", "token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"] {
        members.insert(name.to_owned(), variable(name));
    }
    for (name, value) in [
        ("token_endpoint_auth_methods_supported", json!(methods)),
        ("introspection_endpoint_auth_methods_supported", json!(methods)),
        ("revocation_endpoint_auth_methods_supported", json!(methods)),
        ("grant_types_supported", json!(realm.settings.grant_types)),
        // Required, though nothing here needs an authorization endpoint.
        ("response_types_supported", json!([])),
    ] {
        members.insert(name.to_owned(), value);
    }
    if realm.settings.auth_methods.iter().any(|method| method.is_assertion()) {
        members.insert("token_endpoint_auth_signing_alg_values_supported".to_owned(), signing_algorithms(realm));
    }
    if realm.settings.auth_methods.iter().any(|method| method.is_tls()) {
        members.insert("mtls_endpoint_aliases".to_owned(), aliases(realm));
        members.insert("tls_client_certificate_bound_access_tokens".to_owned(), true.into());
    }
    if realm.settings.dpop != Mode::Off {
        members.insert("dpop_signing_alg_values_supported".to_owned(), json!(ALGORITHMS));
    }
    edits.apply(&mut members);
    Response::json(200, &Value::Object(members))
}

/// The refusal of what is not GET.
pub(crate) fn refuse_method(request: &Request) -> Option<Response> {
    let refusal = || Response::oauth_error(405, "invalid_request", "only GET is allowed").with_header("Allow", "GET");
    (request.method != "GET").then(refusal)
}

/// The same endpoints where a certificate is required.
fn aliases(realm: &Realm) -> Value {
    let alias = |name: &str| (name.to_owned(), Value::from(realm.var(&format!("mtls_{name}"))));
    ["token_endpoint", "introspection_endpoint", "revocation_endpoint"].into_iter().map(alias).collect()
}

fn signing_algorithms(realm: &Realm) -> Value {
    let methods = &realm.settings.auth_methods;
    let secret = methods.contains(&AuthMethod::SecretJwt).then_some("HS256");
    let key = methods.contains(&AuthMethod::PrivateKeyJwt).then_some(ALGORITHMS);
    match &realm.settings.token_endpoint_auth_signing_alg {
        Some(only) => json!([only]),
        None => secret.into_iter().chain(key.into_iter().flatten()).collect(),
    }
}
