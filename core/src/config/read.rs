//! From JSON to [`Options`], with errors that name the option and what to write.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Options;
use crate::error::Error;
use crate::signer::ExternalKey;
use crate::strict::{DUPLICATE, Strict};

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
pub(super) const OPTIONS: [(&str, &str, Form); 41] = [
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
    ("proxy", "an http:// or https:// URL, for example \"http://proxy.example.com:3128\"", Form::Text),
    ("connect_timeout", "a number of seconds greater than 0 and at most 3600, for example 5", Form::Number),
    ("timeout", "a number of seconds greater than 0 and at most 3600, for example 10", Form::Number),
    ("scope", "a string or a list of strings, for example \"read write\"", Form::Text),
    ("require_scope", "true or false", Form::Mixed),
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
    read_json(json, what)?.filter(Value::is_object).ok_or_else(not_object)
}

/// Reads JSON in which nothing is named twice; `None`: it is none. `what` names it in the error.
pub(super) fn read_json(json: &[u8], what: &str) -> Result<Option<Value>, Error> {
    match serde_json::from_slice(json) {
        Ok(Strict(value)) => Ok(Some(value)),
        Err(error) if error.to_string().starts_with(DUPLICATE) => {
            let message = format!("the {what} name something twice, of which a reader takes one: leave the other out");
            Err(Error::config("option_conflict", message))
        }
        Err(_) => Ok(None),
    }
}

/// Reads all options. An error names the one at fault.
pub(super) fn options(value: Value, signer: Option<ExternalKey>) -> Result<Options, Error> {
    let Value::Object(map) = value else {
        return Err(Error::config("option_invalid", "the options must be a map of option names to values"));
    };
    let names: Vec<&str> = OPTIONS.iter().map(|option| option.0).collect();
    if let Some(unknown) = map.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(unknown_option(unknown, &names, "options"));
    }
    let mut given = Given { map, wrong: None };
    let options = Options {
        issuer: given.take("issuer"),
        token_endpoint: given.take("token_endpoint"),
        revocation_endpoint: given.take("revocation_endpoint"),
        introspection_endpoint: given.take("introspection_endpoint"),
        provider: given.take("provider"),
        client_id: given.take("client_id"),
        client_secret: given.take("client_secret"),
        token_endpoint_auth_method: given.take("token_endpoint_auth_method"),
        basic_encoding: given.take("basic_encoding"),
        private_key: given.take("private_key"),
        private_key_id: given.take("private_key_id"),
        token_endpoint_auth_signing_alg: given.take("token_endpoint_auth_signing_alg"),
        grant_type: given.take("grant_type"),
        assertion_subject: given.take("assertion_subject"),
        subject_token: given.take("subject_token"),
        subject_token_type: given.take("subject_token_type"),
        actor_token: given.take("actor_token"),
        actor_token_type: given.take("actor_token_type"),
        assertion_audience: given.take("assertion_audience"),
        assertion_type_header: given.take("assertion_type_header"),
        client_assertion: given.take("client_assertion"),
        dpop: given.take("dpop"),
        dpop_key: given.take("dpop_key"),
        tls_client_certificate: given.take("tls_client_certificate"),
        tls_client_key: given.take("tls_client_key"),
        tls_ca_file: given.take("tls_ca_file"),
        proxy: given.take("proxy"),
        connect_timeout: given.take("connect_timeout"),
        timeout: given.take("timeout"),
        scope: given.take("scope"),
        require_scope: given.take("require_scope"),
        audience: given.take("audience"),
        resource: given.take("resource"),
        authorization_details: given.take("authorization_details"),
        extra_parameters: given.take("extra_parameters"),
        refresh_at: given.take("refresh_at"),
        leeway: given.take("leeway"),
        default_lifetime: given.take("default_lifetime"),
        cache: given.take("cache"),
        cache_key: given.take("cache_key"),
        require_private_files: given.take("require_private_files"),
        signer,
    };
    debug_assert!(given.map.values().all(Value::is_null), "each option is taken");
    given.wrong.map_or(Ok(options), |name| Err(wrong(name)))
}

/// What is given. A derived reader of forty options is twice as much code as one function for each of their types.
struct Given {
    map: Map<String, Value>,
    /// The first that cannot be read.
    wrong: Option<&'static str>,
}

impl Given {
    #[inline(never)]
    fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let read = Option::deserialize(self.map.get_mut(name)?.take());
        read.unwrap_or_else(|_| {
            self.wrong.get_or_insert(name);
            None
        })
    }
}

/// What other libraries call an option that is not spelt like ours.
const ELSEWHERE: [(&str, &str); 11] = [
    ("authentication_url", "token_endpoint"),
    ("access_token_url", "token_endpoint"),
    ("token_url", "token_endpoint"),
    ("authority", "issuer"),
    ("secret", "client_secret"),
    ("client_key", "private_key"),
    ("ca_file", "tls_ca_file"),
    ("ca_bundle", "tls_ca_file"),
    ("insecure", "tls_ca_file"),
    ("verify", "tls_ca_file"),
    ("cert", "tls_client_certificate"),
];

/// The error for a name that is not in `names`; it names the nearest one, or all of them.
pub(crate) fn unknown_option(name: &str, names: &[&str], what: &str) -> Error {
    let shown = crate::secret::clean_name(name);
    let same = || ELSEWHERE.iter().find(|(theirs, ours)| *theirs == name && names.contains(ours)).map(|row| row.1);
    let alike = || {
        let likeness = names.iter().map(|known| (strsim::jaro_winkler(name, known), *known));
        likeness.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 > 0.75).map(|best| best.1)
    };
    let advice = match same().or_else(alike) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("the {what} are {}", names.join(", ")),
    };
    Error::config("option_unknown", format!("`{shown}` is not an option: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c01_an_unknown_option_is_told_its_name_here() {
        let names: Vec<&str> = OPTIONS.iter().map(|option| option.0).collect();
        for (theirs, ours) in ELSEWHERE.into_iter().chain([("scopes", "scope"), ("client_secert", "client_secret")]) {
            let message = unknown_option(theirs, &names, "options").message().to_owned();
            assert_eq!(message, format!("`{theirs}` is not an option: did you mean `{ours}`?"));
        }
        let of_a_call = unknown_option("secret", &["scope", "min_valid"], "options of a call");
        assert!(of_a_call.message().ends_with("the options of a call are scope, min_valid"), "{of_a_call}");
    }

    #[test]
    fn c01_an_option_stands_once() {
        for json in [r#"{"client_id": "a", "client_id": "b"}"#, r#"{"client_secret": {"env": "A", "env": "B"}}"#] {
            let error = read_object(json.as_bytes(), "options").unwrap_err();
            assert_eq!((error.kind().name(), error.code()), ("ConfigError", "option_conflict"));
        }
        assert_eq!(read_object(br#"{"scope": "a"}"#, "options").unwrap(), serde_json::json!({"scope": "a"}));
    }
}
