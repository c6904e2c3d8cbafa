//! The token endpoint (RFC 6749, 4.4; RFC 8707).

use serde_json::{Map, Value, json};

use crate::access_token::{self, Format};
use crate::client_auth::{Refusal, read_form};
use crate::dpop;
use crate::form::Form;
use crate::grants;
use crate::http::Request;
use crate::issued::Facts;
use crate::mtls;
use crate::realm::{Realm, random_text};
use crate::response::Response;
use crate::script::Edits;

/// Parameters of which there may be several (RFC 8707, RFC 8693).
const REPEATABLE: [&str; 2] = ["resource", "audience"];
/// What may not stand in the URL, where logs would keep it (RFC 6749, 2.3.1).
const NOT_IN_URL: [&str; 7] =
    ["client_id", "client_secret", "client_assertion", "grant_type", "assertion", "subject_token", "actor_token"];
/// The length of a token in bytes, before base64url.
const TOKEN_BYTES: usize = 32;

/// Checks the request and issues a token.
pub(crate) fn respond(realm: &Realm, request: &Request, edits: Edits<'_>) -> Response {
    match issue(realm, request) {
        Ok((mut members, facts)) => {
            let minted = members.get("access_token").cloned();
            edits.apply(&mut members);
            let replaced = members.get("access_token") != minted.as_ref();
            finish(realm, request, &mut members, facts, replaced);
            Response::json(200, &Value::Object(members)).with_header("Pragma", "no-cache")
        }
        Err(refusal) => refusal.respond(),
    }
}

/// Signs the token where the realm's tokens are signed, and remembers it.
fn finish(realm: &Realm, request: &Request, members: &mut Map<String, Value>, facts: Facts, replaced: bool) {
    let grant = realm.grant(members, facts);
    let Some(token) = members.get_mut("access_token") else {
        return;
    };
    if realm.settings.access_token_format == Format::Jwt && !replaced {
        let issuer = if request.peer.https { "https_issuer" } else { "issuer" };
        *token = access_token::mint(realm, &grant, realm.var(issuer)).into();
    }
    if let Some(token) = token.as_str() {
        realm.remember(token, grant);
    }
}

fn issue(realm: &Realm, request: &Request) -> Result<(Map<String, Value>, Facts), Refusal> {
    let form = read_form(request, &REPEATABLE)?;
    let query = Form::parse(request.query.as_bytes()).unwrap_or_default();
    if NOT_IN_URL.iter().any(|name| query.all(name).next().is_some()) {
        return Err(Refusal::invalid_request("a credential in the URL"));
    }
    let granted = grants::check(realm, request, &form)?;
    if !form.all("resource").all(is_resource) {
        return Err(Refusal::bad("invalid_target", "resource must be an absolute URI without a fragment"));
    }
    let scope = form.get("scope").map(str::to_owned).or(granted.scope);
    if !scope.as_deref().is_none_or(is_scope) {
        return Err(Refusal::bad("invalid_scope", "scope is malformed"));
    }
    let details = grants::authorization_details(&form)?;
    let key =
        dpop::check(realm, request, None).map_err(|failure| Refusal::bad(failure.error(), failure.description()))?;
    let mut members = Map::new();
    members.insert("access_token".to_owned(), random_text(TOKEN_BYTES).into());
    members.insert("token_type".to_owned(), json!(if key.is_some() { "DPoP" } else { "Bearer" }));
    members.insert("expires_in".to_owned(), realm.settings.expires_in.into());
    let optional = [
        ("scope", scope.map(Value::from)),
        ("authorization_details", details.clone()),
        ("issued_token_type", granted.issued_token_type.map(Value::from)),
    ];
    members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let facts = Facts {
        subject: granted.subject,
        audience: form.all("audience").chain(form.all("resource")).map(str::to_owned).collect(),
        cnf: confirmation(request, key),
        authorization_details: details,
        act: granted.act,
    };
    Ok((members, facts))
}

/// What the token is bound to: a certificate, a key, or both.
fn confirmation(request: &Request, key: Option<String>) -> Option<Value> {
    let parts: Map<String, Value> = [("x5t#S256", mtls::thumbprint(&request.peer)), ("jkt", key)]
        .into_iter()
        .filter_map(|(name, thumbprint)| Some((name.to_owned(), thumbprint?.into())))
        .collect();
    (!parts.is_empty()).then_some(Value::Object(parts))
}

fn is_resource(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(letters)
        && !rest.is_empty()
        && !text.contains('#')
        && !text.contains(char::is_whitespace)
}

/// RFC 6749, 3.3: words of printable ASCII without `"` and `\`, one space between them.
fn is_scope(text: &str) -> bool {
    text.split(' ').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_resources_are_checked() {
        assert!(is_scope("a b:c/.default"));
        for wrong in ["a  b", " a", "a\"", "\u{e9}", "a\n"] {
            assert!(!is_scope(wrong), "{wrong:?}");
        }
        assert!(is_resource("https://a.example/x?y") && is_resource("urn:a:b"));
        for wrong in ["", "/a", "a.example", "https://a/#b", "1a:b", "a:"] {
            assert!(!is_resource(wrong), "{wrong:?}");
        }
    }
}
