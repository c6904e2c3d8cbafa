//! Grant types: what a token is issued for.

use serde_json::{Value, json};

use crate::access_token::Format;
use crate::assertion;
use crate::client_auth::{Refusal, authenticate, is_attempted};
use crate::form::Form;
use crate::http::Request;
use crate::issued::{Facts, Grant};
use crate::realm::{Realm, random_text};

pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Whom a token is for, and what the answer says of that.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Granted {
    pub(crate) subject: String,
    /// The scope that is asked for inside a signed grant.
    pub(crate) scope: Option<String>,
    pub(crate) act: Option<Value>,
    pub(crate) issued_token_type: Option<&'static str>,
}

/// Checks the client and its grant.
pub(crate) fn check(realm: &Realm, request: &Request, form: &Form) -> Result<Granted, Refusal> {
    let grant_type = form.get("grant_type");
    let allowed = |name: &str| realm.settings.grant_types.iter().any(|known| known == name);
    // RFC 7521, 4.1: with an assertion as the grant, authentication of the client is optional.
    let identified = grant_type == Some(JWT_BEARER) && allowed(JWT_BEARER);
    if !identified || is_attempted(realm, request, form) {
        authenticate(realm, request, form)?;
    }
    match grant_type {
        None => Err(Refusal::invalid_request("grant_type is missing")),
        Some(name) if !allowed(name) => {
            Err(Refusal::bad("unsupported_grant_type", "not one of the grant types of this server"))
        }
        Some(JWT_BEARER) => {
            let assertion = form.get("assertion").ok_or(Refusal::invalid_request("assertion is missing"))?;
            assertion::check_grant(realm, assertion).map_err(|reason| Refusal::bad("invalid_grant", reason))
        }
        Some(TOKEN_EXCHANGE) => exchange(realm, form).map_err(Refusal::invalid_request),
        Some(_) => Ok(Granted { subject: realm.settings.client_id.clone(), ..Granted::default() }),
    }
}

/// RFC 8693.
fn exchange(realm: &Realm, form: &Form) -> Result<Granted, &'static str> {
    let known = |name: &str| name == ACCESS_TOKEN || (name == JWT && realm.settings.access_token_format == Format::Jwt);
    let token = |name: &str, kind: &str| match (form.get(name), form.get(kind)) {
        (Some(token), Some(kind)) if known(kind) => {
            realm.active(token).map(Some).ok_or("a token to exchange is unknown, expired or revoked")
        }
        (None, None) => Ok(None),
        (_, Some(_)) => Err("subject_token_type or actor_token_type is not one that is known, or has no token"),
        (Some(_), None) => Err("a token to exchange has no type"),
    };
    let subject = token("subject_token", "subject_token_type")?.ok_or("subject_token is missing")?;
    let actor = token("actor_token", "actor_token_type")?;
    if !form.get("requested_token_type").is_none_or(known) {
        return Err("requested_token_type is not one that can be issued");
    }
    Ok(Granted {
        subject: subject.facts.subject,
        scope: None,
        act: actor.map(|actor| json!({"sub": actor.facts.subject})),
        issued_token_type: Some(ACCESS_TOKEN),
    })
}

/// A token of this subject, which a test can exchange.
pub(crate) fn exchangeable(subject: &str, now: f64) -> (String, Grant) {
    let grant = Grant {
        scope: None,
        token_type: "Bearer".to_owned(),
        issued_at: now as u64,
        expires_at: now as u64 + 24 * 60 * 60,
        facts: Facts { subject: subject.to_owned(), ..Facts::default() },
    };
    (random_text(32), grant)
}

/// `authorization_details` (RFC 9396): a list of objects, each with its type.
pub(crate) fn authorization_details(form: &Form) -> Result<Option<Value>, Refusal> {
    let Some(text) = form.get("authorization_details") else {
        return Ok(None);
    };
    let wrong = Refusal::bad("invalid_authorization_details", "not a JSON list of objects that each have a type");
    let Ok(details) = serde_json::from_str::<Value>(text) else {
        return Err(wrong);
    };
    let typed = |detail: &Value| detail.get("type").is_some_and(Value::is_string);
    match details.as_array() {
        Some(list) if !list.is_empty() && list.iter().all(typed) => Ok(Some(details)),
        _ => Err(wrong),
    }
}
