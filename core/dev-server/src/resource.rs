//! A protected resource (RFC 6750).

use serde_json::json;

use crate::http::Request;
use crate::issued::Grant;
use crate::mtls;
use crate::realm::Realm;
use crate::response::Response;

/// An answer that a resource server refuses with.
#[derive(Debug)]
struct Refusal {
    status: u16,
    /// Empty where the request has no token: then nothing is said of it (RFC 6750, 3.1).
    error: &'static str,
    description: &'static str,
}

impl Refusal {
    fn invalid_token(description: &'static str) -> Refusal {
        Refusal { status: 401, error: "invalid_token", description }
    }

    fn respond(&self, realm: &Realm) -> Response {
        if self.error.is_empty() {
            let response = Response::json(self.status, &json!({}));
            return response.with_header("WWW-Authenticate", "Bearer");
        }
        let mut challenge = format!(r#"Bearer error="{}", error_description="{}""#, self.error, self.description);
        if let Some(scope) = realm.settings.resource_scope.as_ref().filter(|_| self.status == 403) {
            challenge.push_str(&format!(r#", scope="{scope}""#));
        }
        let response = Response::oauth_error(self.status, self.error, self.description);
        response.with_header("WWW-Authenticate", challenge)
    }
}

/// Answers to every method, for whoever has a good token.
pub(crate) fn respond(realm: &Realm, request: &Request) -> Response {
    match authorize(realm, request) {
        Ok(grant) => Response::json(200, &json!({"client_id": realm.settings.client_id, "scope": grant.scope})),
        Err(refusal) => refusal.respond(realm),
    }
}

fn authorize(realm: &Realm, request: &Request) -> Result<Grant, Refusal> {
    let mut headers = request.headers_named("authorization");
    let header = headers.next().ok_or(Refusal { status: 401, error: "", description: "" })?;
    if headers.next().is_some() {
        return Err(Refusal { status: 400, error: "invalid_request", description: "two Authorization headers" });
    }
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal { status: 401, error: "", description: "" });
    }
    let grant = realm.active(token).ok_or(Refusal::invalid_token("the token is unknown, expired or revoked"))?;
    if grant.facts.cnf.is_some() && grant.facts.cnf != mtls::confirmation(&request.peer) {
        return Err(Refusal::invalid_token("the token is bound to another client certificate"));
    }
    let granted = |wanted: &str| grant.scope.as_deref().unwrap_or_default().split(' ').any(|scope| scope == wanted);
    let needed = realm.settings.resource_scope.as_deref().unwrap_or_default();
    if !needed.split_whitespace().all(granted) {
        return Err(Refusal { status: 403, error: "insufficient_scope", description: "the token has not the scope" });
    }
    Ok(grant)
}
