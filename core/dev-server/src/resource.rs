//! A protected resource (RFC 6750, 8705 and 9449).

use serde_json::{Value, json};

use crate::dpop::{self, Mode};
use crate::http::Request;
use crate::issued::Grant;
use crate::jose::jwk::ALGORITHMS;
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
    /// Whether the challenge is for a proof.
    proof: bool,
}

impl Refusal {
    const NO_TOKEN: Refusal = Refusal { status: 401, error: "", description: "", proof: false };

    fn invalid_token(proof: bool, description: &'static str) -> Refusal {
        Refusal { status: 401, error: "invalid_token", description, proof }
    }

    fn respond(&self, realm: &Realm) -> Response {
        let proof = self.proof || realm.settings.dpop == Mode::Required;
        let mut parts = Vec::new();
        if !self.error.is_empty() {
            parts.push(format!(r#"error="{}", error_description="{}""#, self.error, self.description));
        }
        if let Some(scope) = realm.settings.resource_scope.as_ref().filter(|_| self.status == 403) {
            parts.push(format!(r#"scope="{scope}""#));
        }
        if proof {
            parts.push(format!(r#"algs="{}""#, ALGORITHMS.join(" ")));
        }
        let challenge = format!("{} {}", if proof { "DPoP" } else { "Bearer" }, parts.join(", "));
        let response = if self.error.is_empty() {
            Response::json(self.status, &json!({}))
        } else {
            Response::oauth_error(self.status, self.error, self.description)
        };
        response.with_header("WWW-Authenticate", challenge.trim_end())
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
    let header = headers.next().ok_or(Refusal::NO_TOKEN)?;
    if headers.next().is_some() {
        let description = "two Authorization headers";
        return Err(Refusal { status: 400, error: "invalid_request", description, proof: false });
    }
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    let proof = scheme.eq_ignore_ascii_case("dpop") && realm.settings.dpop != Mode::Off;
    if !proof && !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::NO_TOKEN);
    }
    let unknown = Refusal::invalid_token(proof, "the token is unknown, expired or revoked");
    let grant = realm.active(token).ok_or(unknown)?;
    check_binding(realm, request, &grant, proof.then_some(token))?;
    let granted = |wanted: &str| grant.scope.as_deref().unwrap_or_default().split(' ').any(|scope| scope == wanted);
    let needed = realm.settings.resource_scope.as_deref().unwrap_or_default();
    if !needed.split_whitespace().all(granted) {
        let description = "the token has not the scope";
        return Err(Refusal { status: 403, error: "insufficient_scope", description, proof });
    }
    Ok(grant)
}

/// Checks that whoever sends the token is whom it was issued to; `proven` is the token where it comes with a proof.
fn check_binding(realm: &Realm, request: &Request, grant: &Grant, proven: Option<&str>) -> Result<(), Refusal> {
    let bound_to = |kind: &str| grant.facts.cnf.as_ref().and_then(|cnf| cnf.get(kind)).and_then(Value::as_str);
    if let Some(thumbprint) = bound_to("x5t#S256")
        && mtls::thumbprint(&request.peer).as_deref() != Some(thumbprint)
    {
        return Err(Refusal::invalid_token(false, "the token is bound to another client certificate"));
    }
    let key = match proven {
        None => None,
        Some(token) => dpop::check(realm, request, Some(token)).map_err(|failure| Refusal {
            status: 401,
            error: failure.error(),
            description: failure.description(),
            proof: true,
        })?,
    };
    if key.as_deref() == bound_to("jkt") {
        Ok(())
    } else {
        Err(Refusal::invalid_token(true, "the token is bound to another key, or to none"))
    }
}
