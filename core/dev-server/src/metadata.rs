//! Authorization server metadata (RFC 8414).

use serde_json::{Map, Value, json};

use crate::http::Request;
use crate::realm::Realm;
use crate::response::Response;
use crate::script::Edits;

/// The metadata of the realm, with endpoints of the scheme by which it was asked.
pub(crate) fn respond(realm: &Realm, request: &Request, https: bool, edits: Edits<'_>) -> Response {
    if request.method != "GET" {
        let refusal = Response::oauth_error(405, "invalid_request", "only GET is allowed");
        return refusal.with_header("Allow", "GET");
    }
    let variable = |name: &str| {
        let name = format!("{}{name}", if https { "https_" } else { "" });
        realm.vars.get(&name).cloned().unwrap_or_default()
    };
    let methods: Vec<&str> = realm.auth_methods.iter().map(|m| m.name()).collect();
    let mut members = Map::new();
    for name in ["issuer", "token_endpoint", "introspection_endpoint"] {
        members.insert(name.to_owned(), variable(name));
    }
    for (name, value) in [
        ("token_endpoint_auth_methods_supported", json!(methods)),
        ("introspection_endpoint_auth_methods_supported", json!(methods)),
        ("grant_types_supported", json!(["client_credentials"])),
        // Required, though nothing here needs an authorization endpoint.
        ("response_types_supported", json!([])),
    ] {
        members.insert(name.to_owned(), value);
    }
    edits.apply(&mut members);
    Response::json(200, &Value::Object(members))
}
