//! Token introspection (RFC 7662).

use serde_json::json;

use crate::client_auth::{Refusal, authenticate, read_form};
use crate::http::Request;
use crate::realm::Realm;
use crate::response::Response;

/// Says whether a token is active by the realm's clock.
pub(crate) fn respond(realm: &Realm, request: &Request) -> Response {
    match token(realm, request) {
        Ok(token) => describe(realm, &token),
        Err(refusal) => refusal.respond(),
    }
}

fn token(realm: &Realm, request: &Request) -> Result<String, Refusal> {
    let form = read_form(request, &[])?;
    authenticate(realm, request, &form)?;
    form.get("token").map(str::to_owned).ok_or(Refusal::invalid_request("token is missing"))
}

fn describe(realm: &Realm, token: &str) -> Response {
    let Some(grant) = realm.active(token) else {
        return Response::json(200, &json!({"active": false}));
    };
    let mut answer = grant.claims(&realm.settings.client_id);
    answer["active"] = true.into();
    answer["token_type"] = grant.token_type.into();
    Response::json(200, &answer)
}
