//! Profiles of real authorization servers, as data: what is odd about each, so that one option sets it right. An option that is
//! given wins over its profile. A new provider is a row here.

use crate::config::{AuthMethod, BasicEncoding};
use crate::grant::{CLIENT_CREDENTIALS, JWT_BEARER};

/// What a server does when it issues another token to the same client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Semantics {
    /// Old tokens stay good.
    Independent,
    /// The same token comes again until it is about to expire: asking early is in vain.
    Sticky,
    /// The old token dies: asking early, or twice for one answer that got lost, harms those who hold it.
    Exclusive,
}

impl Semantics {
    /// Asking early is in vain where the same token comes again, and harms where the old one dies: then a token is asked for
    /// when it is spent.
    pub(crate) fn refresh_at(self, fraction: f64) -> f64 {
        match self {
            Semantics::Independent => fraction,
            Semantics::Sticky | Semantics::Exclusive => 1.0,
        }
    }
}

/// One server's ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) auth_method: Option<AuthMethod>,
    pub(crate) basic_encoding: BasicEncoding,
    pub(crate) scope_separator: &'static str,
    /// The parameter that `audience` is sent as.
    pub(crate) audience_parameter: &'static str,
    /// Whether an assertion's `aud` is the token endpoint where no issuer is known.
    pub(crate) assertion_for_endpoint: bool,
    pub(crate) assertion_typ: Option<&'static str>,
    /// The algorithm of an assertion by a key that has several: RSA.
    pub(crate) signing_alg: Option<&'static str>,
    /// Seconds, for answers without `expires_in`.
    pub(crate) default_lifetime: Option<u32>,
    /// What `token_type` may be beside Bearer, lower case; the empty one stands for a missing member.
    pub(crate) token_types: &'static [&'static str],
    pub(crate) grant_type: &'static str,
    /// Whether a signed grant is a service account's: `scope` stands in it, and `sub` only where another is impersonated.
    pub(crate) service_account: bool,
    pub(crate) semantics: Semantics,
}

/// A server without oddities: what every client has that names no provider.
pub(crate) static STANDARD: Profile = Profile {
    name: "",
    auth_method: None,
    basic_encoding: BasicEncoding::Form,
    scope_separator: " ",
    audience_parameter: "audience",
    assertion_for_endpoint: false,
    assertion_typ: None,
    signing_alg: None,
    default_lifetime: None,
    token_types: &[],
    grant_type: CLIENT_CREDENTIALS,
    service_account: false,
    semantics: Semantics::Independent,
};

const POST: Option<AuthMethod> = Some(AuthMethod::ClientSecretPost);

/// All profiles, by name.
static PROFILES: [Profile; 21] = [
    Profile { name: "adobe", auth_method: POST, scope_separator: ",", ..STANDARD },
    Profile { name: "apigee", token_types: &["bearertoken"], ..STANDARD },
    Profile { name: "auth0", ..STANDARD },
    Profile { name: "cognito", ..STANDARD },
    Profile { name: "domino", basic_encoding: BasicEncoding::Raw, ..STANDARD },
    Profile {
        name: "entra",
        auth_method: POST,
        assertion_for_endpoint: true,
        assertion_typ: Some("JWT"),
        signing_alg: Some("PS256"),
        ..STANDARD
    },
    Profile { name: "github", auth_method: POST, ..STANDARD },
    Profile {
        name: "google",
        assertion_for_endpoint: true,
        assertion_typ: Some("JWT"),
        grant_type: JWT_BEARER,
        service_account: true,
        semantics: Semantics::Sticky,
        ..STANDARD
    },
    Profile { name: "hydra", ..STANDARD },
    Profile { name: "identityserver", ..STANDARD },
    Profile { name: "keycloak", ..STANDARD },
    Profile { name: "okta", assertion_for_endpoint: true, assertion_typ: Some("JWT"), ..STANDARD },
    Profile { name: "paypal", ..STANDARD },
    Profile { name: "ping", audience_parameter: "aud", ..STANDARD },
    Profile { name: "salesforce", default_lifetime: Some(900), ..STANDARD },
    Profile { name: "servicenow", auth_method: POST, semantics: Semantics::Sticky, ..STANDARD },
    Profile { name: "soundcloud", ..STANDARD },
    Profile { name: "twitch", auth_method: POST, token_types: &[""], ..STANDARD },
    Profile { name: "wso2", semantics: Semantics::Exclusive, ..STANDARD },
    Profile { name: "xsuaa", ..STANDARD },
    Profile { name: "zoom", grant_type: "account_credentials", semantics: Semantics::Exclusive, ..STANDARD },
];

/// The profile of this name.
pub(crate) fn find(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// All names, for an error.
pub(crate) fn names() -> Vec<&'static str> {
    PROFILES.iter().map(|profile| profile.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_once() {
        assert!(names().windows(2).all(|pair| pair[0] < pair[1]));
    }
}
