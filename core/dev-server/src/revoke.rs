//! Token revocation (RFC 7009).

use crate::client_auth::{Refusal, authenticate, read_form};
use crate::http::Request;
use crate::realm::Realm;
use crate::response::Response;

/// Ends a token; one that is not known is as good as ended.
pub(crate) fn respond(realm: &Realm, request: &Request) -> Response {
    match token(realm, request) {
        Ok(token) => {
            realm.revoke(&token);
            Response::empty(200)
        }
        Err(refusal) => refusal.respond(),
    }
}

fn token(realm: &Realm, request: &Request) -> Result<String, Refusal> {
    let form = read_form(request, &[])?;
    authenticate(realm, request, &form)?;
    form.get("token").map(str::to_owned).ok_or(Refusal::invalid_request("token is missing"))
}
