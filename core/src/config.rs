//! The one schema of all options, in every language. Reading happens here; `check` holds the rules, `env` the environment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use self::cache::CacheOption;
use crate::dpop::Prover;
use crate::engine::Uncancelled;
use crate::error::Error;
use crate::grant::Grant;
use crate::lifecycle::Policy;
use crate::provider::{Profile, Semantics};
use crate::request::Target;
use crate::secret::Secret;
use crate::signer::ExternalKey;
use crate::source::{COMMAND_TIMEOUT, Source};
use crate::token::TokenType;

mod cache;
mod check;
mod credential;
mod env;
mod grants;
mod possession;
mod read;

pub(crate) use cache::{Cache, is_weak};
pub(crate) use check::{check_audience, check_resource, check_scope, is_loopback};
pub(crate) use read::{read_object, unknown_option};

/// How the client proves who it is at the token endpoint (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// HTTP Basic (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the form (RFC 6749 section 2.3.1).
    ClientSecretPost,
    /// A JWT authenticated with the secret (RFC 7523 section 2.2), HS256.
    ClientSecretJwt,
    /// A JWT signed with a private key (RFC 7523 section 2.2), or a ready one in `client_assertion`.
    PrivateKeyJwt,
    /// The certificate of the connection, by an authority that the server trusts (RFC 8705 section 2.1).
    TlsClientAuth,
    /// The certificate of the connection, which the server knows itself (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
    /// A public client: `client_id` alone in the form.
    None,
}

impl AuthMethod {
    /// The registered name, e.g. `client_secret_basic`.
    pub fn as_str(self) -> &'static str {
        match self {
            AuthMethod::ClientSecretBasic => "client_secret_basic",
            AuthMethod::ClientSecretPost => "client_secret_post",
            AuthMethod::ClientSecretJwt => "client_secret_jwt",
            AuthMethod::PrivateKeyJwt => "private_key_jwt",
            AuthMethod::TlsClientAuth => "tls_client_auth",
            AuthMethod::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            AuthMethod::None => "none",
        }
    }

    /// Whether the certificate of the connection is the proof (RFC 8705 section 2), and nothing in the request.
    pub(crate) fn is_tls(self) -> bool {
        matches!(self, AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth)
    }
}

/// What happens to id and secret before they are joined for HTTP Basic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BasicEncoding {
    /// Percent-encoded first, as RFC 6749 section 2.3.1 asks.
    Form,
    /// As they are, for servers that refuse the encoding.
    Raw,
}

/// Whether tokens are bound to a key, and by which algorithm it signs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Dpop {
    Switch(bool),
    Algorithm(String),
}

/// One string, or a list of strings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(list) => list,
        }
    }
}

/// The options of a client, as they are written.
#[derive(JsonSchema)]
#[schemars(title = "Tokenwell client options", deny_unknown_fields)]
pub(crate) struct Options {
    /// Issuer identifier (RFC 8414 section 2), https: the token endpoint is read from its metadata. This or token_endpoint.
    issuer: Option<String>,
    /// URL of the token endpoint (RFC 6749 section 3.2). https, or http on a loopback host.
    token_endpoint: Option<String>,
    /// URL of the revocation endpoint (RFC 7009). Default: what the issuer's metadata names.
    revocation_endpoint: Option<String>,
    /// URL of the introspection endpoint (RFC 7662). Default: what the issuer's metadata names.
    introspection_endpoint: Option<String>,
    /// Name of a provider profile, which sets what is odd about that provider: entra, auth0, okta, keycloak, zoom, ...
    provider: Option<String>,
    /// Client identifier (RFC 6749 section 2.2).
    client_id: Option<String>,
    /// Client secret (RFC 6749 section 2.3.1).
    client_secret: Option<Source>,
    /// Client authentication method (RFC 7591 section 2). Default: client_secret_basic with a secret, private_key_jwt with a key, tls_client_auth with a certificate alone.
    token_endpoint_auth_method: Option<AuthMethod>,
    /// Encoding of id and secret in HTTP Basic: form (RFC 6749 section 2.3.1) or raw. Default: form.
    basic_encoding: Option<BasicEncoding>,
    /// Private key for private_key_jwt: PEM (PKCS#1, PKCS#8, SEC1) or JWK. A certificate of it in the PEM is named in x5t#S256.
    private_key: Option<Source>,
    /// `kid` of the assertion's header. Default: that of the JWK, if it has one.
    private_key_id: Option<Box<str>>,
    /// Algorithm of the assertion (RFC 7591 section 2): RS256, PS256, ES256, ES384, EdDSA; HS256 with a secret. Default: the key's own.
    token_endpoint_auth_signing_alg: Option<Box<str>>,
    /// What the token is asked for with: client_credentials, urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523 section 2.1), urn:ietf:params:oauth:grant-type:token-exchange (RFC 8693), or another name. Default: client_credentials.
    grant_type: Option<String>,
    /// `sub` of the grant that is signed for jwt-bearer (RFC 7523 section 3). Default: the client.
    assertion_subject: Option<Box<str>>,
    /// The token to exchange (RFC 8693 section 2.1), read again for each fetch.
    subject_token: Option<Source>,
    /// What subject_token is. Default: urn:ietf:params:oauth:token-type:access_token.
    subject_token_type: Option<Box<str>>,
    /// The token of the one who acts for the subject (RFC 8693 section 2.1), read again for each fetch.
    actor_token: Option<Source>,
    /// What actor_token is. Default: urn:ietf:params:oauth:token-type:access_token.
    actor_token_type: Option<Box<str>>,
    /// `aud` of the assertion. Default: the issuer.
    assertion_audience: Option<Box<str>>,
    /// `typ` of the assertion's header. Default: client-authentication+jwt.
    assertion_type_header: Option<Box<str>>,
    /// A ready assertion from a source, read again for each fetch (RFC 7523 section 2.2; workload identity federation).
    client_assertion: Option<Source>,
    /// Proof of possession (RFC 9449): true, or the algorithm of the proofs: ES256, ES384, EdDSA; RS256, PS256 with dpop_key. Default: false.
    dpop: Option<Dpop>,
    /// Private key of the proofs: PEM or JWK, read once, when the client is made. Default: a new key for each client.
    dpop_key: Option<Source>,
    /// Client certificate, PEM, its chain behind it: for tls_client_auth, and to bind tokens to it (RFC 8705). https only.
    tls_client_certificate: Option<Source>,
    /// Private key of tls_client_certificate, PEM.
    tls_client_key: Option<Source>,
    /// PEM file of the certificate authorities to trust instead of the operating system's.
    tls_ca_file: Option<PathBuf>,
    /// URL of an HTTP proxy. Default: the proxy variables of the environment.
    #[schemars(with = "Option<String>")]
    proxy: Option<Secret>,
    /// Seconds that a connection may take. Default: 5.
    connect_timeout: Option<f64>,
    /// Seconds that a call may take in all, repeats included. Default: 10.
    timeout: Option<f64>,
    /// Scope (RFC 6749 section 3.3): a string with spaces, or a list.
    scope: Option<OneOrMany>,
    /// Whether an answer with less than the scope that was asked for is an error (RFC 6749 section 3.3). Default: false, it is shown.
    require_scope: Option<bool>,
    /// Audience of the token (RFC 8693 section 2.1), as many servers take it: a string or a list.
    audience: Option<OneOrMany>,
    /// Resource indicators (RFC 8707): absolute URIs without fragment.
    resource: Option<OneOrMany>,
    /// Authorization details (RFC 9396): a list of objects, each with its type.
    authorization_details: Option<Vec<Map<String, Value>>>,
    /// Additional parameters of the token request. None of those that the library sets.
    extra_parameters: Option<BTreeMap<String, String>>,
    /// Fraction of the lifetime after which a token is refreshed in the background. Default: 0.75.
    refresh_at: Option<f64>,
    /// Seconds before expiry from which a token is no longer handed out without asking. Default: the smaller of 10 and a tenth of the lifetime.
    leeway: Option<f64>,
    /// Seconds that a token without expires_in is taken to live. Default: 300.
    default_lifetime: Option<f64>,
    /// Where tokens are kept: "memory", "none", or for other processes too "file", {"file": DIR}, {"redis": URL}. Default: memory.
    cache: Option<CacheOption>,
    /// Secret of 16 bytes or more that seals what is kept in a shared store. Default: derived from the client's credential.
    cache_key: Option<Source>,
    /// Whether a file with a secret that every user of the machine can read is an error. Default: false, it is warned of.
    require_private_files: Option<bool>,
    /// A function, which only Rust can give.
    #[schemars(skip)]
    signer: Option<ExternalKey>,
}

/// Where tokens are asked for.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    /// At this URL.
    Token(Url),
    /// Where the metadata of this issuer says. `exact` is the identifier as it was written: it is compared as text.
    Issuer { exact: String, url: Url },
}

impl Endpoint {
    pub(crate) fn url(&self) -> &Url {
        match self {
            Endpoint::Token(url) | Endpoint::Issuer { url, .. } => url,
        }
    }
}

/// The checked options of a client: what is seldom given takes little room here, since there can be thousands. `Debug` shows no secret. A key that was made for `dpop` belongs to it: clients of copies of
/// one `Config` share the key and its tokens.
#[derive(Clone)]
pub struct Config {
    pub(crate) endpoint: Endpoint,
    pub(crate) revocation_endpoint: Option<Box<Url>>,
    pub(crate) introspection_endpoint: Option<Box<Url>>,
    pub(crate) profile: &'static Profile,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Box<Source>>,
    pub(crate) private_key: Option<Box<Source>>,
    pub(crate) private_key_id: Option<Box<str>>,
    pub(crate) client_assertion: Option<Box<Source>>,
    pub(crate) signer: Option<Box<ExternalKey>>,
    pub(crate) grant_type: Cow<'static, str>,
    pub(crate) grant: &'static dyn Grant,
    pub(crate) assertion_subject: Option<Box<str>>,
    pub(crate) subject_token: Option<Box<Source>>,
    pub(crate) subject_token_type: Option<Box<str>>,
    pub(crate) actor_token: Option<Box<Source>>,
    pub(crate) actor_token_type: Option<Box<str>>,
    pub(crate) signing_alg: Option<Box<str>>,
    pub(crate) assertion_audience: Option<Box<str>>,
    pub(crate) assertion_type_header: Option<Box<str>>,
    pub(crate) auth_method: AuthMethod,
    pub(crate) basic_encoding: BasicEncoding,
    pub(crate) dpop: Option<Arc<Prover>>,
    pub(crate) tls_client_certificate: Option<Box<Source>>,
    pub(crate) tls_client_key: Option<Box<Source>>,
    pub(crate) tls_ca_file: Option<Arc<Path>>,
    pub(crate) proxy: Option<Secret>,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    /// Of calls that name no other.
    pub(crate) target: Arc<Target>,
    /// As JSON.
    pub(crate) authorization_details: Option<String>,
    pub(crate) extra_parameters: Vec<(String, String)>,
    pub(crate) refresh_at: f64,
    pub(crate) leeway: Option<Duration>,
    pub(crate) default_lifetime: Duration,
    pub(crate) cache: Cache,
    pub(crate) cache_key: Option<Box<Source>>,
    pub(crate) require_private_files: bool,
    pub(crate) require_scope: bool,
}

impl Config {
    /// Reads options from JSON: an object whose names are those of the schema, in snake_case.
    ///
    /// # Errors
    /// `ConfigError`, before anything is sent: an option is missing, unknown, wrong or in conflict with another.
    pub fn from_json(json: &[u8]) -> Result<Config, Error> {
        Config::from_value(read_object(json, "options")?)
    }

    /// Reads options from a JSON value, as [`Config::from_json`] does.
    ///
    /// # Errors
    /// As [`Config::from_json`].
    pub fn from_value(value: Value) -> Result<Config, Error> {
        Config::with_signer(value, None)
    }

    /// As [`Config::from_value`], with what no JSON can hold.
    pub(crate) fn with_signer(value: Value, signer: Option<ExternalKey>) -> Result<Config, Error> {
        let _uncancelled = Uncancelled::new();
        check::check(read::options(value, signer)?)
    }

    /// Reads options from the environment: `TOKENWELL_` and the option's name in capitals.
    ///
    /// # Errors
    /// As [`Config::from_json`].
    pub fn from_env() -> Result<Config, Error> {
        Config::from_value(Value::Object(Config::environment(|_| true)?))
    }

    /// The options that the environment gives, of those whose name is `wanted`, for a program that has others from elsewhere.
    ///
    /// # Errors
    /// `ConfigError` for a variable that is not UTF-8 or cannot be read as its option, and for a secret that is given twice.
    pub fn environment(wanted: impl Fn(&str) -> bool) -> Result<Map<String, Value>, Error> {
        env::read(&wanted)
    }

    /// The options behind the guide's function: client id, client secret and the URL of the token endpoint; each that is
    /// `None` comes from `TOKENWELL_CLIENT_ID`, `TOKENWELL_CLIENT_SECRET` or `TOKENWELL_TOKEN_ENDPOINT`, and the other
    /// options from their variables.
    ///
    /// # Errors
    /// As [`Config::from_json`].
    pub fn from_guide(
        client_id: Option<String>,
        client_secret: Option<String>,
        authentication_url: Option<String>,
    ) -> Result<Config, Error> {
        Config::from_guide_values([client_id.into(), client_secret.into(), authentication_url.into()])
    }

    /// Options from the environment, and a JSON object of options that win over it; null counts as not given.
    ///
    /// # Errors
    /// As [`Config::from_json`].
    pub fn from_env_with(json: &[u8]) -> Result<Config, Error> {
        let mut options = Config::environment(|_| true)?;
        if let Value::Object(given) = read_object(json, "options")? {
            options.extend(given.into_iter().filter(|(_, value)| !value.is_null()));
        }
        Config::from_value(Value::Object(options))
    }

    /// As [`Config::from_guide`], of the values of another language; null stands for `None`.
    ///
    /// # Errors
    /// As [`Config::from_json`].
    pub fn from_guide_values(values: [Value; 3]) -> Result<Config, Error> {
        let mut options = Config::environment(|_| true)?;
        for (name, value) in ["client_id", "client_secret", "token_endpoint"].into_iter().zip(values) {
            if !value.is_null() {
                options.insert(name.to_owned(), value);
            }
        }
        Config::from_value(Value::Object(options))
    }

    /// The type of the tokens that are asked for.
    pub(crate) fn token_type(&self) -> TokenType {
        if self.dpop.is_some() { TokenType::Dpop } else { TokenType::Bearer }
    }

    /// Whether the library itself makes a JWT, with times in it.
    pub(crate) fn makes_assertion(&self) -> bool {
        let signs = matches!(self.auth_method, AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt);
        signs && self.client_assertion.is_none() || self.grant.is_signed()
    }

    /// Whether a request needs a private key, or a secret as the key of a signature.
    pub(crate) fn uses_key(&self) -> bool {
        self.makes_assertion() || self.dpop.is_some() || self.has_certificate()
    }

    /// Whether the credential can change while the client lives, and can be looked at cheaply: a program is not run to see.
    pub(crate) fn can_rotate(&self) -> bool {
        let sources = || self.sources().into_iter().flatten();
        sources().any(Source::can_change) && !sources().any(Source::is_command)
    }

    /// A program that a secret comes from has so long: there must be time left to say that it hangs, or to ask with what it prints.
    pub(crate) fn source_patience(&self) -> Duration {
        (self.timeout * 9 / 10).min(COMMAND_TIMEOUT)
    }

    /// Everything that a secret can come from.
    pub(crate) fn sources(&self) -> [Option<&Source>; 7] {
        [
            &self.client_secret,
            &self.private_key,
            &self.client_assertion,
            &self.tls_client_certificate,
            &self.tls_client_key,
            &self.subject_token,
            &self.actor_token,
        ]
        .map(Option::as_deref)
    }

    /// A certificate may be read by everybody. `source` is one of [`Config::sources`].
    pub(crate) fn is_secret(&self, source: &Source) -> bool {
        self.tls_client_certificate.as_deref().is_none_or(|certificate| !std::ptr::eq(certificate, source))
    }

    pub(crate) fn has_certificate(&self) -> bool {
        self.tls_client_certificate.is_some()
    }

    /// Whether a token request carries something that whoever receives it could use elsewhere.
    pub(crate) fn sends_credential(&self) -> bool {
        !self.auth_method.is_tls() || self.grant.carries_credential()
    }

    /// Whether a server that answers with this error has refused what came from the sources (RFC 6749 section 5.2, RFC 8693
    /// section 2.2.2).
    pub(crate) fn blames_credential(&self, code: &str) -> bool {
        code == "invalid_client"
            || self.grant.carries_credential() && matches!(code, "invalid_grant" | "invalid_request")
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        match &self.endpoint {
            Endpoint::Token(_) => None,
            Endpoint::Issuer { exact, .. } => Some(exact),
        }
    }

    /// When a token is due, and when it is spent.
    pub(crate) fn policy(&self) -> Policy {
        Policy { refresh_at: self.semantics().refresh_at(self.refresh_at), leeway: self.leeway }
    }

    /// What another token does to the one before. With a shared store the others find the new one there, so asking early or
    /// twice harms nobody for long.
    pub(crate) fn semantics(&self) -> Semantics {
        match self.profile.semantics {
            Semantics::Exclusive if self.cache.is_shared() => Semantics::Independent,
            semantics => semantics,
        }
    }

    /// The JSON Schema of the options (2020-12).
    pub fn schema() -> Value {
        schemars::schema_for!(Options).to_value()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("endpoint", &without_query(self.endpoint.url()))
            .field("client_id", &self.client_id)
            .field("token_endpoint_auth_method", &self.auth_method)
            .field("grant_type", &self.grant_type)
            .field("scope", &self.target.scope)
            .field("audience", &self.target.audience)
            .field("resource", &self.target.resource)
            .field("proxy", &self.proxy.as_ref().map(proxy_origin))
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// A query can hold a key of the provider's gateway.
fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

/// A proxy without its credential.
fn proxy_origin(proxy: &Secret) -> String {
    Url::parse(proxy.expose()).map_or_else(|_| "[redacted]".to_owned(), |url| url.origin().ascii_serialization())
}

/// Options as a JSON object, for the builder and the environment.
pub(crate) type OptionMap = Map<String, Value>;
