//! From JSON to [`Options`], with errors that name the option and what to write.

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::Value;

use super::Options;
use crate::error::Error;

/// How an option is written in the environment, where everything is text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Number,
    Words,
    Json,
    /// `true`, `false` or a JSON object, or else a text.
    Mixed,
    /// Text, or the path of a file under the name with `_FILE` behind it.
    Secret,
}

/// Each option: its name, what it must be, and its form in the environment.
pub(super) const OPTIONS: [(&str, &str, Form); 40] = [
    ("issuer", "an https URL, for example \"https://login.example.com\"", Form::Text),
    ("token_endpoint", "a URL, for example \"https://login.example.com/oauth2/token\"", Form::Text),
    ("revocation_endpoint", "a URL, for example \"https://login.example.com/oauth2/revoke\"", Form::Text),
    ("introspection_endpoint", "a URL, for example \"https://login.example.com/oauth2/introspect\"", Form::Text),
    ("provider", "the name of a provider profile, for example \"entra\"", Form::Text),
    ("client_id", "a string, the client identifier that your provider issued", Form::Text),
    (
        "client_secret",
        "a string, the client secret that your provider issued, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    (
        "token_endpoint_auth_method",
        "\"client_secret_basic\", \"client_secret_post\", \"client_secret_jwt\", \"private_key_jwt\", \"tls_client_auth\", \"self_signed_tls_client_auth\" or \"none\"",
        Form::Text,
    ),
    (
        "private_key",
        "a PEM or JWK private key, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    ("private_key_id", "a string, the key id that your provider knows", Form::Text),
    (
        "token_endpoint_auth_signing_alg",
        "\"RS256\", \"PS256\", \"ES256\", \"ES384\" or \"EdDSA\" (\"HS256\" with client_secret_jwt)",
        Form::Text,
    ),
    (
        "grant_type",
        "a string, for example \"client_credentials\" or \"urn:ietf:params:oauth:grant-type:jwt-bearer\"",
        Form::Text,
    ),
    ("assertion_subject", "a string, the subject that the token is to be for", Form::Text),
    (
        "subject_token",
        "a token, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    ("subject_token_type", "a URI, for example \"urn:ietf:params:oauth:token-type:access_token\"", Form::Text),
    (
        "actor_token",
        "a token, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    ("actor_token_type", "a URI, for example \"urn:ietf:params:oauth:token-type:access_token\"", Form::Text),
    ("assertion_audience", "a string, the audience that your provider expects in an assertion", Form::Text),
    ("assertion_type_header", "a string, for example \"JWT\"", Form::Text),
    (
        "client_assertion",
        "a signed JWT, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    ("basic_encoding", "\"form\" or \"raw\"", Form::Text),
    ("dpop", "true, false, \"ES256\", \"ES384\", \"EdDSA\", \"RS256\" or \"PS256\"", Form::Mixed),
    (
        "dpop_key",
        "a PEM or JWK private key, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    (
        "tls_client_certificate",
        "a PEM certificate, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    (
        "tls_client_key",
        "a PEM private key, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    ("tls_ca_file", "the path of a PEM file", Form::Text),
    ("proxy", "a URL, for example \"http://proxy.example.com:3128\"", Form::Text),
    ("connect_timeout", "a number of seconds greater than 0, for example 5", Form::Number),
    ("timeout", "a number of seconds greater than 0, for example 10", Form::Number),
    ("scope", "a string or a list of strings, for example \"read write\"", Form::Text),
    ("audience", "a string or a list of strings, for example \"https://api.example.com\"", Form::Words),
    (
        "resource",
        "an absolute URI without fragment or a list of them, for example \"https://api.example.com\"",
        Form::Words,
    ),
    (
        "authorization_details",
        "a list of objects that each have a type, for example [{\"type\": \"payment_initiation\"}]",
        Form::Json,
    ),
    ("extra_parameters", "a map of strings to strings, for example {\"tenant\": \"a\"}", Form::Json),
    ("refresh_at", "a number between 0 and 1, for example 0.75", Form::Number),
    ("leeway", "a number of seconds, 0 or more, for example 10", Form::Number),
    ("default_lifetime", "a number of seconds greater than 0, for example 300", Form::Number),
    (
        "cache",
        "\"memory\", \"none\", \"file\", {\"file\": DIR} or {\"redis\": URL}, for example {\"file\": \"/var/cache/tokens\"}",
        Form::Mixed,
    ),
    (
        "cache_key",
        "a string, 16 random bytes or more, or one of {\"env\": NAME}, {\"file\": PATH}, {\"command\": [ARGV...]}, {\"keyring\": {\"service\": S, \"account\": A}}",
        Form::Secret,
    ),
    ("require_private_files", "true or false", Form::Mixed),
];

/// The error for an option of the wrong type or with a bad value. It never shows the value.
pub(crate) fn wrong(name: &str) -> Error {
    let expected = OPTIONS.iter().find(|option| option.0 == name).map_or("another type", |option| option.1);
    Error::config("option_invalid", format!("`{name}` must be {expected}"))
}

/// Reads a JSON object; `what` names it in the error.
pub(crate) fn read_object(json: &[u8], what: &str) -> Result<Value, Error> {
    let not_object = || {
        let message = format!("the {what} must be one JSON object in UTF-8, for example {{\"scope\": \"read\"}}");
        Error::config("option_invalid", message)
    };
    match serde_json::from_slice(json) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(not_object()),
    }
}

/// Reads all options. An error names the one at fault.
pub(super) fn options(value: Value) -> Result<Options, Error> {
    let Value::Object(map) = value else {
        return Err(Error::config("option_invalid", "the options must be a map of option names to values"));
    };
    let names: Vec<&str> = OPTIONS.iter().map(|option| option.0).collect();
    if let Some(unknown) = map.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(unknown_option(unknown, &names, "options"));
    }
    let at = RefCell::new(String::new());
    let members = map.into_iter().inspect(|(name, _)| name.clone_into(&mut at.borrow_mut()));
    Options::deserialize(MapDeserializer::new(members)).map_err(|_: serde_json::Error| wrong(&at.borrow()))
}

/// The error for a name that is not in `names`; it names the nearest one, or all of them.
pub(crate) fn unknown_option(name: &str, names: &[&str], what: &str) -> Error {
    let shown = crate::secret::clean(name, 60, &[]);
    let nearest = names
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.75);
    let advice = match nearest {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => format!("the {what} are {}", names.join(", ")),
    };
    Error::config("option_unknown", format!("`{shown}` is not an option: {advice}"))
}
