//! Which endpoint a path means.

use std::sync::Arc;

use crate::http::Request;
use crate::realm::{Realm, ScriptOf};
use crate::response::Response;
use crate::script::Edits;
use crate::site::{ROOT, Site};
use crate::{access_token, introspect, metadata, resource, revoke, token};

const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
const OIDC_METADATA: &str = "/.well-known/openid-configuration";

/// An endpoint of a realm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Endpoint {
    Token,
    Introspection,
    Revocation,
    Resource,
    Keys,
    Metadata,
    /// Nothing is there, but the realm notes that somebody asked.
    Missing,
}

impl Endpoint {
    pub(crate) fn script(self) -> Option<ScriptOf> {
        match self {
            Endpoint::Token => Some(ScriptOf::Token),
            Endpoint::Metadata => Some(ScriptOf::Metadata),
            _ => None,
        }
    }

    /// The real answer of the realm.
    pub(crate) fn respond(self, realm: &Realm, request: &Request, edits: Edits<'_>) -> Response {
        let response = match self {
            Endpoint::Token => token::respond(realm, request, edits),
            Endpoint::Introspection => introspect::respond(realm, request),
            Endpoint::Metadata => metadata::respond(realm, request, edits),
            Endpoint::Keys => access_token::key_set(realm, request),
            Endpoint::Revocation => revoke::respond(realm, request),
            Endpoint::Resource => resource::respond(realm, request),
            Endpoint::Missing => Response::empty(404),
        };
        let nonce = realm.settings.dpop_nonce && matches!(self, Endpoint::Token | Endpoint::Resource);
        if nonce { response.with_header("DPoP-Nonce", realm.nonce()) } else { response }
    }
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Target {
    /// The control interface, with the rest of the path.
    Control(String),
    Canary(Arc<Realm>),
    Realm(Arc<Realm>, Endpoint),
    /// A realm that does not exist, or no longer.
    Nowhere,
}

/// Finds the target of a path.
pub(crate) fn target(site: &Site, path: &str) -> Target {
    if let Some(rest) = below(path, "/control") {
        return Target::Control(rest.to_owned());
    }
    // RFC 8414, 3.1: the well-known name stands before the path of the issuer.
    if let Some(rest) = below(path, OAUTH_METADATA) {
        let found = split_realm(rest).unwrap_or((ROOT, rest));
        let endpoint = if found.1.is_empty() { Endpoint::Metadata } else { Endpoint::Missing };
        return realm_target(site, found.0, endpoint);
    }
    let (name, rest) = split_realm(path).unwrap_or((ROOT, path));
    let endpoint = match rest {
        "/token" => Endpoint::Token,
        "/introspect" => Endpoint::Introspection,
        "/revoke" => Endpoint::Revocation,
        "/resource" => Endpoint::Resource,
        "/jwks" => Endpoint::Keys,
        OIDC_METADATA => Endpoint::Metadata,
        other if below(other, "/canary").is_some() => {
            return site.realm(name).map_or(Target::Nowhere, Target::Canary);
        }
        _ => Endpoint::Missing,
    };
    realm_target(site, name, endpoint)
}

fn realm_target(site: &Site, name: &str, endpoint: Endpoint) -> Target {
    site.realm(name).map_or(Target::Nowhere, |realm| Target::Realm(realm, endpoint))
}

/// The rest of a path that is `base` or lies below it.
fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `/r/NAME/rest` as `NAME` and `/rest`.
fn split_realm(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/r/")?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some(rest.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_whole_segments() {
        assert_eq!(split_realm("/r/r7/token"), Some(("r7", "/token")));
        assert_eq!(split_realm("/r/r7"), Some(("r7", "")));
        assert_eq!(split_realm("/rx/token"), None);
        assert_eq!(below("/control/realms", "/control"), Some("/realms"));
        assert_eq!(below("/controls", "/control"), None);
    }
}
