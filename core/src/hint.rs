//! What to do about a server's error answer. A new hint is a row here.

use crate::config::{AuthMethod, Config};
use crate::error::{Error, ErrorKind};

/// What providers say in their descriptions, and what it means.
const SAID: [(&str, &str); 10] = [
    (
        "AADSTS7000215",
        "`client_secret` is the id of the secret: give its value, which Entra shows once when the secret is made",
    ),
    ("AADSTS7000222", "the client secret has expired: make a new one in Entra"),
    (
        "AADSTS700016",
        "check `client_id` and the tenant in `issuer` or `token_endpoint`: Entra has no such application there",
    ),
    (
        "AADSTS700027",
        "upload the certificate of `private_key` to the application in Entra, and give it with the key in one PEM file",
    ),
    ("AADSTS700024", CLOCK),
    (
        "AADSTS1002012",
        "Entra wants `scope` to be one resource and \"/.default\", for example \"https://graph.microsoft.com/.default\"",
    ),
    (
        "AADSTS70011",
        "Entra wants `scope` to be one resource and \"/.default\", for example \"https://graph.microsoft.com/.default\"",
    ),
    (
        "No audience parameter was provided",
        "set `audience` to the identifier of the API that the token is for, as Auth0 lists it",
    ),
    ("assertion is not within its valid time range", CLOCK),
    ("in a reasonable timeframe", CLOCK),
];

const CLOCK: &str = "check this machine's clock: the assertion's times do not fit the server's";

/// Adds what is known to help; what the server's description says comes first.
pub(crate) fn advise(error: Error, config: &Config) -> Error {
    if error.kind() != ErrorKind::Server || error.hint().is_some() {
        return error;
    }
    let description = error.error_description().unwrap_or_default();
    let said = SAID.iter().find(|(text, _)| description.contains(text)).map(|(_, hint)| *hint);
    match said.or_else(|| by_code(error.code(), config)) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The errors of RFC 6749 section 5.2, RFC 8707 section 2 and their kin.
fn by_code(code: &str, config: &Config) -> Option<&'static str> {
    Some(match code {
        "invalid_client" => invalid_client(config),
        "invalid_scope" => "check `scope`: the server does not know it or does not allow it to this client",
        "invalid_target" => {
            "check `resource` and `audience`: the server does not know them or does not allow them to this client"
        }
        "use_dpop_nonce" | "invalid_dpop_proof" => {
            "the server wants tokens bound to a key (RFC 9449): set `dpop` to true; if it is set, check this machine's clock"
        }
        "invalid_authorization_details" => {
            "check `authorization_details`: the server does not know a type, or misses or refuses a member"
        }
        "invalid_grant" if config.grant.is_signed() => {
            "check `client_id`, `assertion_subject`, `assertion_audience`, that the provider has the public part of `private_key`, and this machine's clock"
        }
        "invalid_grant" | "invalid_request" if config.grant.carries_credential() => {
            "check that `subject_token` and `actor_token` are good and of the types given, and that this client may exchange them"
        }
        "unsupported_token_type" => "this server does not revoke access tokens: they end with their lifetime",
        "unauthorized_client" => "allow this grant type for this client at the provider",
        "unsupported_grant_type" => {
            "check `token_endpoint` and `grant_type`: this server does not offer the grant type there"
        }
        "invalid_request" => {
            "the server misses or refuses a parameter: see its documentation for `scope`, `audience`, `resource` and `extra_parameters`"
        }
        _ => return None,
    })
}

fn invalid_client(config: &Config) -> &'static str {
    match config.auth_method {
        AuthMethod::ClientSecretBasic => {
            "check `client_id` and `client_secret`, and `token_endpoint_auth_method`; if the secret has special characters and the server does not decode them, set `basic_encoding` to \"raw\""
        }
        AuthMethod::ClientSecretPost | AuthMethod::ClientSecretJwt => {
            "check `client_id` and `client_secret`, and `token_endpoint_auth_method`"
        }
        AuthMethod::PrivateKeyJwt if config.client_assertion.is_some() => {
            "check `client_id`, and that the provider trusts the issuer, subject and audience of `client_assertion`"
        }
        AuthMethod::PrivateKeyJwt => {
            "check `client_id`, `assertion_audience`, and that the provider has the public part of `private_key`, under `private_key_id` if it has an id"
        }
        AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => {
            "check `client_id` and `token_endpoint_auth_method`, and that the provider has the certificate of `tls_client_certificate`, or its subject"
        }
        AuthMethod::None => "check `client_id`; if the client must authenticate, give its `client_secret` or key",
    }
}
