//! The token request as form fields (RFC 6749 section 4.4.2).

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::auth::Attempt;
use crate::config::{Config, OneOrMany, check_audience, check_resource, check_scope, read_object};
use crate::credential::Credential;
use crate::error::Error;

/// Everything but the unreserved characters of RFC 3986; a space is `%20`. Servers that decode a form read it, and
/// so do those that only percent-decode.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What one call asks for beyond the client's options. What is not set comes from the client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenRequest {
    pub(crate) scope: Option<Vec<String>>,
    pub(crate) audience: Option<Vec<String>>,
    pub(crate) resource: Option<Vec<String>>,
    pub(crate) min_valid: Duration,
}

#[derive(Deserialize)]
struct Options {
    scope: Option<OneOrMany>,
    audience: Option<OneOrMany>,
    resource: Option<OneOrMany>,
    min_valid: Option<f64>,
}

const NAMES: [&str; 4] = ["scope", "audience", "resource", "min_valid"];

impl TokenRequest {
    /// Reads per-call options from JSON: `scope`, `audience`, `resource` (string or list) and `min_valid` (seconds).
    ///
    /// # Errors
    /// `ConfigError` for an unknown name or a wrong value.
    pub fn from_json(json: &[u8]) -> Result<TokenRequest, Error> {
        TokenRequest::from_value(read_object(json, "call's options")?)
    }

    /// Reads per-call options from a JSON value, as [`TokenRequest::from_json`] does.
    ///
    /// # Errors
    /// As [`TokenRequest::from_json`].
    pub fn from_value(value: Value) -> Result<TokenRequest, Error> {
        use crate::config::unknown_option;
        if let Some(unknown) = value.as_object().and_then(|map| map.keys().find(|name| !NAMES.contains(&name.as_str())))
        {
            return Err(unknown_option(unknown, &NAMES, "options of a call"));
        }
        let wrong = || {
            let message = "the options of a call are `scope`, `audience`, `resource` (a string or a list of strings) and `min_valid` (seconds)";
            Error::config("option_invalid", message)
        };
        if !value.is_object() {
            return Err(wrong());
        }
        let options: Options = serde_json::from_value(value).map_err(|_| wrong())?;
        Ok(TokenRequest {
            scope: options.scope.map(check_scope).transpose()?,
            audience: options.audience.map(check_audience).transpose()?,
            resource: options.resource.map(check_resource).transpose()?,
            min_valid: min_valid(options.min_valid.unwrap_or(0.0))?,
        })
    }

    /// Asks for this scope, a list with spaces (RFC 6749 section 3.3), instead of the client's.
    #[must_use]
    pub fn scope(self, scope: impl AsRef<str>) -> TokenRequest {
        let scope = scope.as_ref().split_whitespace().map(str::to_owned).collect();
        TokenRequest { scope: Some(scope), ..self }
    }

    /// Asks for this audience instead of the client's.
    #[must_use]
    pub fn audience(self, audience: impl Into<String>) -> TokenRequest {
        TokenRequest { audience: Some(vec![audience.into()]), ..self }
    }

    /// Asks for these resources (RFC 8707) instead of the client's.
    ///
    /// # Errors
    /// `ConfigError` if one is not an absolute URI without fragment.
    pub fn resource(self, resource: Vec<String>) -> Result<TokenRequest, Error> {
        Ok(TokenRequest { resource: Some(check_resource(OneOrMany::Many(resource))?), ..self })
    }

    /// Asks for a token that lives at least so long. At most `refresh_at` of a token's lifetime can be had.
    #[must_use]
    pub fn min_valid(self, min_valid: Duration) -> TokenRequest {
        TokenRequest { min_valid, ..self }
    }
}

fn min_valid(seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        Error::config("option_invalid", "`min_valid` must be a number of seconds, 0 or more, for example 60")
    })
}

/// What is asked of the server: the client's options with the call's over them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) scope: Vec<String>,
    pub(crate) audience: Vec<String>,
    pub(crate) resource: Vec<String>,
}

impl Target {
    /// What a call asks for that is not content with the client's own target.
    pub(crate) fn new(config: &Config, request: &TokenRequest) -> Target {
        let own = &config.target;
        Target {
            scope: request.scope.clone().unwrap_or_else(|| own.scope.clone()),
            audience: request.audience.clone().unwrap_or_else(|| own.audience.clone()),
            resource: request.resource.clone().unwrap_or_else(|| own.resource.clone()),
        }
    }
}

/// A form under construction; wiped when dropped, since it can hold a secret.
#[derive(Default)]
pub(crate) struct Form(Zeroizing<String>);

impl Form {
    /// The request without client authentication.
    pub(crate) fn token_request(
        config: &Config,
        target: &Target,
        credential: &Credential,
        attempt: Attempt<'_>,
    ) -> Result<Form, Error> {
        // Room for most: what grows leaves copies behind, of a secret too.
        let mut form = Form(Zeroizing::new(String::with_capacity(256)));
        form.add("grant_type", &config.grant_type);
        config.grant.apply(config, target, credential, attempt, &mut form)?;
        for audience in &target.audience {
            form.add(config.profile.audience_parameter, audience);
        }
        for resource in &target.resource {
            form.add("resource", resource);
        }
        if let Some(details) = &config.authorization_details {
            form.add("authorization_details", details);
        }
        for (name, value) in &config.extra_parameters {
            form.add(name, value);
        }
        Ok(form)
    }

    pub(crate) fn add_scope(&mut self, config: &Config, target: &Target) {
        match &*target.scope {
            [] => {}
            [scope] => self.add("scope", scope),
            scopes => self.add("scope", &scopes.join(config.profile.scope_separator)),
        }
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.extend(utf8_percent_encode(name, ENCODED));
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, ENCODED));
    }
}

impl AsRef<[u8]> for Form {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
