//! Client authentication (RFC 6749, 2.3), strictly: exactly one method, and the right one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::assertion;
use crate::form::{self, Form};
use crate::http::Request;
use crate::mtls;
use crate::realm::Realm;
use crate::response::Response;

/// A method of client authentication, by its name in RFC 8414.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) enum AuthMethod {
    #[serde(rename = "client_secret_basic")]
    Basic,
    #[serde(rename = "client_secret_post")]
    Post,
    #[serde(rename = "client_secret_jwt")]
    SecretJwt,
    #[serde(rename = "private_key_jwt")]
    PrivateKeyJwt,
    #[serde(rename = "tls_client_auth")]
    Tls,
    #[serde(rename = "self_signed_tls_client_auth")]
    SelfSignedTls,
    #[serde(rename = "none")]
    None,
}

impl AuthMethod {
    /// Whether the client sends a signed JWT.
    pub(crate) fn is_assertion(self) -> bool {
        matches!(self, AuthMethod::SecretJwt | AuthMethod::PrivateKeyJwt)
    }

    /// Whether the client shows a certificate.
    pub(crate) fn is_tls(self) -> bool {
        matches!(self, AuthMethod::Tls | AuthMethod::SelfSignedTls)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            AuthMethod::Basic => "client_secret_basic",
            AuthMethod::Post => "client_secret_post",
            AuthMethod::SecretJwt => "client_secret_jwt",
            AuthMethod::PrivateKeyJwt => "private_key_jwt",
            AuthMethod::Tls => "tls_client_auth",
            AuthMethod::SelfSignedTls => "self_signed_tls_client_auth",
            AuthMethod::None => "none",
        }
    }
}

/// How id and secret stand in the Basic header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BasicEncoding {
    /// Each form-encoded, as RFC 6749 asks for.
    #[default]
    Form,
    /// As they are (RFC 7617 alone).
    Raw,
}

/// An answer of RFC 6749, 5.2.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
}

impl Refusal {
    pub(crate) fn invalid_request(description: &'static str) -> Refusal {
        Refusal::bad("invalid_request", description)
    }

    /// Status 400 with this error.
    pub(crate) fn bad(error: &'static str, description: &'static str) -> Refusal {
        Refusal { status: 400, error, description }
    }

    fn invalid_client(description: &'static str) -> Refusal {
        Refusal { status: 401, error: "invalid_client", description }
    }

    pub(crate) fn respond(&self) -> Response {
        let response = Response::oauth_error(self.status, self.error, self.description);
        match self.status {
            401 => response.with_header("WWW-Authenticate", r#"Basic realm="tokenwell-dev-server", charset="UTF-8""#),
            405 => response.with_header("Allow", "POST"),
            _ => response,
        }
    }
}

/// The form of a POST request, refused where it is not one; `repeatable` parameters may be there more than once.
pub(crate) fn read_form(request: &Request, repeatable: &[&str]) -> Result<Form, Refusal> {
    if request.method != "POST" {
        return Err(Refusal { status: 405, error: "invalid_request", description: "only POST is allowed" });
    }
    if !request.is_form() {
        return Err(Refusal::invalid_request("the content type must be application/x-www-form-urlencoded"));
    }
    let form = Form::parse(&request.body).ok_or(Refusal::invalid_request("the body is not a well-formed form"))?;
    if form.repeated(repeatable).is_some() {
        return Err(Refusal::invalid_request("a parameter is repeated"));
    }
    Ok(form)
}

/// Whether the client tries to authenticate, by a way other than to name itself.
pub(crate) fn is_attempted(realm: &Realm, request: &Request, form: &Form) -> bool {
    let credentials = ["client_secret", "client_assertion", "client_assertion_type"];
    request.header("authorization").is_some()
        || credentials.iter().any(|name| form.get(name).is_some())
        || (mtls::applies(realm, &request.peer) && !request.peer.certificates.is_empty())
}

/// Checks who asks.
pub(crate) fn authenticate(realm: &Realm, request: &Request, form: &Form) -> Result<(), Refusal> {
    let mut headers = request.headers_named("authorization");
    let header = headers.next();
    if headers.next().is_some() {
        return Err(Refusal::invalid_request("two Authorization headers"));
    }
    let secret = form.get("client_secret");
    let assertion = form.get("client_assertion");
    let methods = [header.is_some(), secret.is_some(), assertion.is_some()];
    if methods.iter().filter(|used| **used).count() > 1 {
        return Err(Refusal::invalid_request("more than one method of client authentication"));
    }
    if let Some(assertion) = assertion {
        return assertion::check(realm, form, assertion).map_err(Refusal::invalid_client);
    }
    if form.get("client_assertion_type").is_some() {
        return Err(Refusal::invalid_request("client_assertion_type without client_assertion"));
    }
    let id = form.get("client_id");
    let (method, id, secret) = match (header, secret) {
        (Some(header), _) => {
            let (basic_id, secret) = basic(realm.settings.basic_encoding, header)
                .ok_or(Refusal::invalid_client("the Authorization header cannot be read"))?;
            if id.is_some_and(|id| id != basic_id) {
                return Err(Refusal::invalid_request("two different client identifiers"));
            }
            (AuthMethod::Basic, basic_id, Some(secret))
        }
        (None, Some(secret)) => {
            let id = id.ok_or(Refusal::invalid_client("client_id is missing"))?;
            (AuthMethod::Post, id.to_owned(), Some(secret.to_owned()))
        }
        (None, None) => {
            let id = id.ok_or(Refusal::invalid_client("client authentication is missing"))?;
            if mtls::applies(realm, &request.peer) {
                return mtls::check(realm, id, &request.peer).map_err(Refusal::invalid_client);
            }
            (AuthMethod::None, id.to_owned(), None)
        }
    };
    if !realm.settings.auth_methods.contains(&method) {
        return Err(Refusal::invalid_client("this method of client authentication is not allowed for this client"));
    }
    let secret_matches = secret.is_none_or(|secret| secret == realm.settings.client_secret);
    if id == realm.settings.client_id && secret_matches {
        Ok(())
    } else {
        Err(Refusal::invalid_client("client authentication failed"))
    }
}

fn basic(encoding: BasicEncoding, header: &str) -> Option<(String, String)> {
    let (scheme, credential) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(credential.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    match encoding {
        BasicEncoding::Form => Some((form::decode(id.as_bytes())?, form::decode(secret.as_bytes())?)),
        BasicEncoding::Raw => Some((id.to_owned(), secret.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn basic_is_decoded_as_the_realm_says() {
        let wire = header("a%3Ab:s+%25%2B");
        assert_eq!(basic(BasicEncoding::Form, &wire), Some(("a:b".to_owned(), "s %+".to_owned())));
        assert_eq!(basic(BasicEncoding::Raw, &wire), Some(("a%3Ab".to_owned(), "s+%25%2B".to_owned())));
    }

    #[test]
    fn junk_is_no_credential() {
        for junk in ["Basic", "Basic *", "Bearer YTpi", &header("ab"), &header("a:%")] {
            assert_eq!(basic(BasicEncoding::Form, junk), None, "{junk}");
        }
    }
}
